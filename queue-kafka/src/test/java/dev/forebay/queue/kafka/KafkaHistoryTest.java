package dev.forebay.queue.kafka;

import dev.forebay.queue.testkit.contract.WorkQueueHarness;
import dev.forebay.queue.testkit.history.Workload;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Random work, whose history must be one that the contract allows; at full size with -Psoak. */
@Execution(ExecutionMode.CONCURRENT)
class KafkaHistoryTest {

  private static final boolean SOAK = Boolean.getBoolean("forebay.soak");

  @Test
  @Timeout(600)
  void share_randomWork_isGood() {
    work(new KafkaShareHarness());
  }

  @Test
  @Timeout(600)
  void keyed_randomWork_isGood() {
    work(new KafkaKeyedHarness());
  }

  private static void work(WorkQueueHarness harness) {
    Workload.on(harness)
        .seed(1)
        .messages(SOAK ? 10_000 : 100)
        .threads(SOAK ? 8 : 2)
        .keys(SOAK ? 200 : 10)
        .restarts(SOAK)
        .run()
        .assertGood();
  }
}
