package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How much a worker gets through, which is what a backlog is divided by (W7). */
class WorkerCapacityTest {

  private final Rig rig = new Rig();
  private final CountDownLatch finish = new CountDownLatch(1);

  @AfterEach
  void end() {
    finish.countDown();
  }

  private static ConcurrencyLimit limit(int count) {
    return new ConcurrencyLimit() {
      @Override
      public int limit() {
        return count;
      }

      @Override
      public void ended(Duration ran, int running, boolean dropped) {}
    };
  }

  private WorkerBuilder builder() {
    return rig.worker().slots(64);
  }

  private WorkerBuilder handling(WorkerBuilder builder) {
    return builder.handler((delivery, context) -> finish.await());
  }

  /** How many may run at once once the messages there have been received. */
  private int concurrency(UnaryOperator<WorkerBuilder> settings) {
    for (int i = 0; i < 12; i++) {
      rig.enqueue("m" + i);
    }
    try (Worker worker = settings.apply(builder()).start()) {
      rig.awaitStats(worker, stats -> stats.running() >= 12);
      int result = worker.stats().concurrency();
      finish.countDown();
      return result;
    }
  }

  @Test
  void W7_slotsAreWhatMayRunAtOnceWhereNothingElseBounds() {
    assertThat(concurrency(this::handling)).isEqualTo(64);
  }

  @Test
  void W7_aLimitBoundsWhatMayRunAtOnce() {
    assertThat(concurrency(builder -> handling(builder.prefetch(20).concurrencyLimit(limit(4)))))
        .isEqualTo(4);
  }

  @Test
  void W7_permitsBoundWhatMayRunAtOnceByWhatMessagesCost() {
    assertThat(concurrency(builder -> handling(builder.permits(20, message -> 6)))).isEqualTo(3);
  }

  @Test
  void W7_oneThatCostsMoreThanAllRunsAlone() {
    assertThat(concurrency(builder -> handling(builder.permits(20, message -> 50)))).isEqualTo(1);
  }

  @Test
  void W7_theBudgetOfBatchesBoundsWhatMayRunAtOnce() {
    assertThat(
            concurrency(
                builder ->
                    builder
                        .slots(2)
                        .batches(
                            BatchOptions.of(8).budget(100, message -> 30),
                            items -> finish.await())))
        .isEqualTo(6);
  }

  @Test
  void W7_batchesWithoutABudgetAreTakenAsFull() {
    assertThat(
            concurrency(
                builder -> builder.slots(2).batches(BatchOptions.of(8), items -> finish.await())))
        .isEqualTo(16);
  }

  @Test
  void W7_desiredWorkersFollowTheLimitAndTheRecentHandlerTime() throws Exception {
    rig.enqueue("m");
    CountDownLatch started = new CountDownLatch(1);
    try (Worker worker =
        builder()
            .concurrencyLimit(limit(4))
            .handler(
                (delivery, context) -> {
                  started.countDown();
                  finish.await();
                })
            .start()) {
      started.await();
      rig.advance(Duration.ofSeconds(4));
      finish.countDown();
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
      WorkerStats stats = worker.stats();
      assertThat(stats.recentHandlerTime()).isEqualTo(Duration.ofSeconds(4));
      // In 40 s four handlers of 4 s get through 40 messages.
      assertThat(ScaleSignal.of(100, stats, Duration.ofSeconds(40), 1))
          .isEqualTo(new ScaleSignal(3, Duration.ofSeconds(100)));
    }
  }

  @Test
  void W7_theRecentMeanForgets() {
    RecentMean mean = new RecentMean();
    assertThat(mean.value()).isZero();
    for (int i = 1; i <= 3; i++) {
      mean.record(i);
    }
    assertThat(mean.value()).as("a plain mean at first").isCloseTo(2, within(1e-9));
    for (int i = 0; i < 10_000; i++) {
      mean.record(100);
    }
    assertThat(mean.value()).isCloseTo(100, within(1e-6));
    for (int i = 0; i < 100; i++) {
      mean.record(1);
    }
    assertThat(mean.value()).as("after as many as it spans").isBetween(10.0, 16.0);
    for (int i = 0; i < 400; i++) {
      mean.record(1);
    }
    assertThat(mean.value()).isCloseTo(1, within(0.01));
  }

  @Test
  void W7_aWorkerNamesTheQueuesOfAllItsLanes() {
    WorkQueue second = InMemoryWorkQueue.builder(rig.name + "-2").store(rig.store).build();
    try (Worker worker = rig.worker().lane(second, 3).handler((delivery, context) -> {}).start()) {
      assertThat(worker.queues()).containsExactly(rig.queue, second);
      assertThat(worker.queue()).isSameAs(rig.queue);
    }
  }
}
