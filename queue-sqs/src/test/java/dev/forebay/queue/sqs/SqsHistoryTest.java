package dev.forebay.queue.sqs;

import dev.forebay.queue.testkit.history.Workload;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Random work, whose history must be one that the contract allows; at full size with -Psoak. */
class SqsHistoryTest {

  private static final boolean SOAK = Boolean.getBoolean("forebay.soak");

  @ParameterizedTest
  @CsvSource({"false,false", "true,true"})
  @Timeout(600)
  void randomWork_isGood(boolean fifo, boolean faults) {
    Workload.on(SqsHarness.shared(fifo))
        .seed(1)
        .messages(SOAK ? 10_000 : 150)
        .threads(SOAK ? 8 : 2)
        .keys(SOAK ? 200 : 10)
        .faults(faults)
        .run()
        .assertGood();
  }
}
