package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.policy.LeasePolicy;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a worker tells of its work (W7). */
class WorkerSignalsTest {

  private static final Duration SECOND = Duration.ofSeconds(1);

  private final Rig rig = new Rig();
  private final List<String> heard = new CopyOnWriteArrayList<>();

  /** Writes down every event, by the text of its message. */
  private final class Notes implements WorkerListener {

    private void note(Delivery delivery, String event) {
      heard.add(delivery.message().text() + " " + event);
    }

    @Override
    public void received(Delivery delivery) {
      note(delivery, "received");
    }

    @Override
    public void started(Delivery delivery, Duration age, Duration waited) {
      note(delivery, "started at age " + age.toSeconds());
    }

    @Override
    public void finished(
        Delivery delivery, HandlerEnd end, Duration ran, @Nullable Throwable failure) {
      note(
          delivery,
          end + " after " + ran.toSeconds() + (failure == null ? "" : " " + failure.getMessage()));
    }

    @Override
    public void skipped(Delivery delivery, SkipReason why) {
      note(delivery, "skipped " + why);
    }

    @Override
    public void acked(Delivery delivery) {
      note(delivery, "acked");
    }

    @Override
    public void retried(Delivery delivery, Duration after) {
      note(delivery, "retried after " + after.toSeconds());
    }

    @Override
    public void returned(Delivery delivery) {
      note(delivery, "returned");
    }

    @Override
    public void deadLettered(Delivery delivery, DeadLetterCause cause) {
      note(delivery, "dead " + cause.type());
    }

    @Override
    public void unsettled(Delivery delivery, Settlement result) {
      note(delivery, "unsettled " + result);
    }

    @Override
    public void leaseLost(Delivery delivery) {
      note(delivery, "lost");
    }

    @Override
    public void extended(Delivery delivery, Duration margin) {
      note(delivery, "extended with " + margin.toSeconds());
    }
  }

  @Test
  void W7_everythingThatHappensIsHeardInOrder() {
    rig.enqueue("a");
    rig.advance(Duration.ofSeconds(7));
    try (Worker worker =
        rig.worker()
            .retry(Rig.RETRY.maxAttempts(2))
            .listener(new Notes())
            .handler(
                (delivery, context) -> {
                  throw new IOException("busy");
                })
            .start()) {
      rig.awaitDepth(0, 0, 1);
      rig.awaitStats(worker, stats -> stats.running() == 0);
      rig.advance(SECOND);
      rig.awaitStats(worker, stats -> stats.deadLettered() == 1 && stats.running() == 0);
    }
    assertThat(heard)
        .containsExactly(
            "a received",
            "a started at age 7",
            "a FAILED after 0 busy",
            "a retried after 1",
            "a received",
            "a started at age 8",
            "a FAILED after 0 busy",
            "a dead IOException");
  }

  @Test
  void W7_extensionsLossAndLateSettlementsAreHeard() throws Exception {
    rig.enqueue("a");
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch finish = new CountDownLatch(1);
    try (Worker worker =
        rig.worker()
            .leases(LeasePolicy.defaults().jitter(0).maxRunTime(Duration.ofSeconds(15)))
            .listener(new Notes())
            .handler(
                (delivery, context) -> {
                  if (context.attempt() == 1) {
                    started.countDown();
                    finish.await();
                  }
                })
            .start()) {
      started.await();
      rig.advanceInSteps(Duration.ofSeconds(50), SECOND);
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
      assertThat(heard)
          .contains("a extended with 20", "a lost")
          .anyMatch(event -> event.startsWith("a LEASE_LOST after "));
      assertThat(worker.stats().leaseMargin().max()).isEqualTo(Duration.ofSeconds(20));
    }
  }

  @Test
  void W7_aListenerThatFailsHarmsNobody() {
    rig.enqueue("a");
    AtomicInteger calls = new AtomicInteger();
    try (Worker worker =
        rig.worker()
            .listener(
                new WorkerListener() {
                  @Override
                  public void received(Delivery delivery) {
                    calls.incrementAndGet();
                    throw new IllegalStateException("made up");
                  }

                  @Override
                  public void finished(
                      Delivery delivery,
                      HandlerEnd end,
                      Duration ran,
                      @Nullable Throwable failure) {
                    calls.incrementAndGet();
                    throw new StackOverflowError("made up");
                  }
                })
            .listener(new Notes())
            .handler((delivery, context) -> {})
            .start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
      assertThat(calls).hasValue(2);
      assertThat(heard)
          .containsExactly("a received", "a started at age 0", "a DONE after 0", "a acked");
    }
  }

  @Test
  void W7_agesWaitsAndHandlerTimesAreMeasured() throws Exception {
    rig.queue.enqueue(Message.text("a"));
    rig.advance(Duration.ofSeconds(20));
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch finish = new CountDownLatch(1);
    try (Worker worker =
        rig.worker()
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
      assertThat(stats.messageAge().max()).isEqualTo(Duration.ofSeconds(20));
      assertThat(stats.queueToStart().p99()).isEqualTo(Duration.ZERO);
      assertThat(stats.handlerTime().mean()).isEqualTo(Duration.ofSeconds(4));
      assertThat(stats.handlerTime().count()).isEqualTo(1);
      assertThat(ScaleSignal.of(100, stats, Duration.ofSeconds(40), 2))
          .isEqualTo(new ScaleSignal(10, Duration.ofSeconds(200)));
    }
  }

  @Test
  void W7_quantilesAreAtMostAnEighthTooHigh() {
    Distribution distribution = new Distribution();
    assertThat(distribution.snapshot()).isEqualTo(Timings.NONE);
    for (int i = 1; i <= 100_000; i++) {
      distribution.record(i * 1_000L);
    }
    distribution.record(-5);
    Timings timings = distribution.snapshot();
    assertThat(timings.count()).isEqualTo(100_001);
    assertThat(timings.p1()).isBetween(Duration.ofNanos(999_000), Duration.ofNanos(1_126_000));
    assertThat(timings.p50()).isBetween(Duration.ofMillis(50), Duration.ofNanos(56_300_000));
    assertThat(timings.p99()).isBetween(Duration.ofMillis(99), Duration.ofMillis(100));
    assertThat(timings.max()).isEqualTo(Duration.ofMillis(100));
    assertThat(timings.mean()).isBetween(Duration.ofMillis(50), Duration.ofNanos(50_001_000));
    distribution.record(Long.MAX_VALUE);
    assertThat(distribution.snapshot().max()).isEqualTo(Duration.ofNanos(Long.MAX_VALUE));
  }

  @Test
  void W7_desiredWorkersAreBacklogOverWhatOneHandlesInTheAcceptableAge() {
    Duration age = Duration.ofSeconds(60);
    // One slot of 2 s each handles 30 messages a minute, 4 slots 120.
    assertThat(ScaleSignal.of(1_200, Duration.ofSeconds(2), 4, age, 5))
        .isEqualTo(new ScaleSignal(10, Duration.ofSeconds(120)));
    assertThat(ScaleSignal.of(1_201, Duration.ofSeconds(2), 4, age, 5).desiredWorkers())
        .isEqualTo(11);
    assertThat(ScaleSignal.of(1, Duration.ofMillis(1), 4, age, 1).desiredWorkers()).isEqualTo(1);
    assertThat(ScaleSignal.of(0, Duration.ofSeconds(2), 4, age, 3))
        .isEqualTo(new ScaleSignal(0, Duration.ZERO));
    assertThat(ScaleSignal.of(5, Duration.ZERO, 4, age, 0))
        .as("nothing known and nobody there")
        .isEqualTo(new ScaleSignal(1, ScaleSignal.NEVER));
    assertThat(ScaleSignal.of(Long.MAX_VALUE, Duration.ofDays(1), 1, Duration.ofNanos(1), 1))
        .isEqualTo(new ScaleSignal(Integer.MAX_VALUE, ScaleSignal.NEVER));
    assertThatThrownBy(() -> ScaleSignal.of(1, Duration.ZERO, 1, Duration.ZERO, 1))
        .hasMessageContaining("acceptable age");
    assertThatThrownBy(() -> ScaleSignal.of(-1, Duration.ZERO, 1, age, 1))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
