package dev.forebay.queue.worker;

import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;

/**
 * Slots taken by one thread and given back by many: no interleaving takes more than there are,
 * loses one or frees one twice (W1). What is seen free may be out of date by the time it is taken,
 * but only to the safe side, so takings have no result to compare.
 */
@Param(name = "count", gen = IntGen.class, conf = "1:2")
public class SlotsLincheckTest {

  private static final int TOTAL = 3;

  private final Slots slots = new Slots(TOTAL, TOTAL, new Waiter(), new Waiter(), null);

  /** Slots in the hands of handlers. */
  private final AtomicInteger held = new AtomicInteger();

  /** As intake does: no more than it saw free. Slots itself refuses more than there are. */
  @Operation(nonParallelGroup = "intake")
  public void take(@Param(name = "count") int count) {
    int free = Math.min(count, slots.free());
    if (free > 0) {
      slots.take(free);
      held.addAndGet(free);
    }
  }

  /** As a handler does that ends while its settlement is still under way. */
  @Operation
  public void giveBack() {
    int before = held.getAndUpdate(now -> Math.max(0, now - 1));
    if (before > 0) {
      slots.settlementBegins();
      slots.giveBack();
      slots.settlementEnds();
    }
  }

  /** Holds when every operation has ended. */
  @Validate
  public void noneIsLostOrFreedTwice() {
    if (slots.used() != held.get() || slots.free() != TOTAL - held.get()) {
      throw new IllegalStateException(
          slots.used() + " used, " + slots.free() + " free, " + held.get() + " held");
    }
    if (slots.idle() != (held.get() == 0)) {
      throw new IllegalStateException("idle with " + held.get() + " held");
    }
  }

  @Test
  void W1_noInterleavingTakesTooManyOrLosesOne() {
    new ModelCheckingOptions()
        .iterations(Integer.getInteger("forebay.lincheck.iterations", 10))
        .invocationsPerIteration(Integer.getInteger("forebay.lincheck.invocations", 200))
        .threads(2)
        .actorsPerThread(3)
        .actorsAfter(0)
        .check(SlotsLincheckTest.class);
  }
}
