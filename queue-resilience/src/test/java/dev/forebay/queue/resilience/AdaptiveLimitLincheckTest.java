package dev.forebay.queue.resilience;

import java.time.Duration;
import org.jetbrains.lincheck.datastructures.BooleanGen;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

/** Handlers that end at once: no interleaving loses one or splits a round in two ways (W6). */
@Param(name = "running", gen = IntGen.class, conf = "1:3")
@Param(name = "dropped", gen = BooleanGen.class)
public class AdaptiveLimitLincheckTest {

  private final AdaptiveLimit limit = AdaptiveLimit.aimd(8).initial(4).build();

  /** Lincheck calls this by name. */
  @Operation
  public void ended(
      @Param(name = "running") int running, @Param(name = "dropped") boolean dropped) {
    limit.ended(Duration.ZERO, running, dropped);
  }

  /** Lincheck calls this by name. */
  @Operation
  public int estimate() {
    return limit.estimate();
  }

  @Test
  void W6_everyInterleavingIsLikeOneAfterTheOther() {
    new ModelCheckingOptions()
        .iterations(Integer.getInteger("forebay.lincheck.iterations", 10))
        .invocationsPerIteration(Integer.getInteger("forebay.lincheck.invocations", 200))
        .threads(2)
        .actorsPerThread(3)
        .check(AdaptiveLimitLincheckTest.class);
  }
}
