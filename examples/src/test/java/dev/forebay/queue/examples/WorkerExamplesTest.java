package dev.forebay.queue.examples;

import static dev.forebay.queue.examples.Captured.output;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Runs the examples of what a worker can be told, and of what it tells. */
class WorkerExamplesTest {

  @Test
  void priorityLanesTakeTurnsByWeightUntilOneHasWaitedTooLong() {
    String free = "free, free, free, free, free, free, free, free";
    assertThat(output(() -> PriorityLanes.main(new String[0])))
        .containsPattern("by weight: \\[paid, paid, paid, (paid, )?free, paid, paid, paid")
        .contains("by age: [" + free + "]");
  }

  @Test
  void gpuMemoryIsNeverExceededButByWhatRunsAlone() {
    assertThat(output(() -> GpuMemory.main(new String[0])))
        .contains("30 GB ran alone")
        .containsPattern("the others: at most ([89]|1\\d|2[0-4]) GB of 24 at once");
  }

  @Test
  void earliestDeadlineComesFirst() {
    assertThat(output(() -> EarliestDeadline.main(new String[0])))
        .containsSubsequence(
            "came first", "within a minute", "within ten minutes", "within an hour", "whenever");
  }

  @Test
  void whereIsMyMessageNamesEachPlace() {
    assertThat(output(() -> WhereIsMyMessage.main(new String[0])))
        .contains(
            "the empty one: DEAD_LETTERED. ",
            "BadPrompt",
            "the quick one: ABSENT. ",
            "the first turn: LEASED. ",
            "the second turn: WAITING_FOR_KEY. ",
            "the one at night: DELAYED. ",
            "the one now: READY. ");
  }

  @Test
  void scaleInIsPreventedWhileThereIsWork() {
    assertThat(output(() -> ScaleIn.main(new String[0])))
        .containsSubsequence(
            "agent: {\"ProtectionEnabled\":true}",
            "agent: {\"ProtectionEnabled\":false}",
            "jobs done: 2");
  }

  @Test
  void tracedBatchLinksToItsRequests() {
    assertThat(output(() -> TracedBatch.main(new String[0])))
        .containsSubsequence(
            "enqueue gpu, links: 0", "one call for 3 requests", "handle batch gpu, links: 3")
        .containsPattern("( {2}to a span of [0-9a-f]{32}\\R){3}");
  }

  @Test
  void metricsShowWhatWasDoneAndDoneAgain() {
    assertThat(output(() -> Metrics.main(new String[0])))
        .contains(
            "forebay.worker.slots 1",
            "forebay.worker.received 4",
            "forebay.worker.retried 1",
            "failed before, in all: 1",
            "forebay.worker.handler 4 times",
            "forebay.enqueue 3 times",
            "forebay.handle 4 times")
        .containsPattern("forebay.worker.backlog \\d")
        .containsPattern("forebay.worker.desired.workers \\d");
  }
}
