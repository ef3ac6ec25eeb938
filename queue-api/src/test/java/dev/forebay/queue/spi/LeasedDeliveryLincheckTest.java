package dev.forebay.queue.spi;

import dev.forebay.queue.Message;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Test;

/**
 * Every interleaving of settling, extending, losing and the end of the lease must look as if they
 * had come one after the other (A1, A3): model checked rather than hoped for.
 */
public class LeasedDeliveryLincheckTest {

  private static final long LEASE_NANOS = 1_000;
  private static final Envelope ENVELOPE = Envelope.fresh("1", Message.text("x"), Instant.EPOCH);

  /**
   * As little as the model checker can get by with; no listener is set, so no timer is asked for.
   */
  private static final class Clock implements TimeSource {
    final AtomicLong nanos = new AtomicLong();

    @Override
    public Instant now() {
      return Instant.EPOCH;
    }

    @Override
    public long nanoTime() {
      return nanos.get();
    }

    @Override
    public Timer schedule(Duration delay, Runnable task) {
      throw new IllegalStateException("no timer is needed without listeners");
    }
  }

  private static final class Leased extends LeasedDelivery {
    Leased(Clock clock) {
      super(null, ENVELOPE, 1, clock, LEASE_NANOS);
    }
  }

  private final Clock clock = new Clock();
  private final LeasedDelivery delivery = new Leased(clock);

  @Operation
  public boolean beginSettlement() {
    return delivery.beginSettlement();
  }

  @Operation
  public boolean settled() {
    return delivery.settled();
  }

  @Operation
  public void reopen() {
    delivery.reopen();
  }

  @Operation
  public void lose() {
    delivery.lose();
  }

  @Operation
  public boolean extend() {
    return delivery.extendedTo(clock.nanos.get() + LEASE_NANOS);
  }

  @Operation
  public boolean isLost() {
    return delivery.isLost();
  }

  @Operation
  public void leaseEnds() {
    clock.nanos.addAndGet(LEASE_NANOS);
  }

  @Test
  void A1_everyInterleavingIsOneOrder() {
    new ModelCheckingOptions()
        .iterations(Integer.getInteger("forebay.lincheck.iterations", 20))
        .invocationsPerIteration(Integer.getInteger("forebay.lincheck.invocations", 300))
        .threads(2)
        .actorsPerThread(3)
        .actorsBefore(0)
        .actorsAfter(1)
        .check(LeasedDeliveryLincheckTest.class);
  }
}
