package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What is taken, when, and what happens while the broker is not well (W1, S3). */
class WorkerIntakeTest {

  private final Rig rig = new Rig();
  private final CountDownLatch finish = new CountDownLatch(1);

  /** Notes what polls ask for. */
  private class Polls extends ForwardingWorkQueue {
    final List<Integer> asked = Collections.synchronizedList(new ArrayList<>());

    Polls(WorkQueue target) {
      super(target);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      asked.add(max);
      return super.poll(max, wait);
    }
  }

  @Test
  void W1_asksForAsManyAsThereAreFreeSlots() {
    int slots = 8;
    for (int i = 0; i < 20; i++) {
      rig.enqueue("m" + i);
    }
    Polls queue = new Polls(rig.queue);
    Semaphore go = new Semaphore(0);
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    try (Worker worker =
        rig.worker(queue)
            .slots(slots)
            .handler(
                (delivery, context) -> {
                  most.accumulateAndGet(running.incrementAndGet(), Math::max);
                  go.acquire();
                  running.decrementAndGet();
                })
            .start()) {
      Rig.eventually("all slots run", () -> running.get() == slots);
      assertThat(queue.asked).as("nothing is polled without a free slot").containsExactly(slots);
      rig.awaitDepth(12, 8, 0);
      go.release(3);
      Rig.eventually("three more", () -> rig.queue.depth().visible().orElseThrow() == 9);
      rig.awaitDepth(9, 8, 0);
      go.release(100);
      rig.awaitStats(worker, stats -> stats.handled() == 20 && stats.running() == 0);
      assertThat(most).hasValue(slots);
      assertThat(queue.asked).allMatch(max -> max >= 1 && max <= slots);
    }
  }

  @Test
  void W1_aSlotThatBecomesFreeWhileAPollWaitsIsAskedForByTheNextOne() throws Exception {
    Polls queue = new Polls(rig.queue);
    rig.enqueue("a");
    rig.enqueue("b");
    CountDownLatch both = new CountDownLatch(2);
    try (Worker worker =
        rig.worker(queue)
            .slots(3)
            .pollWait(Duration.ofDays(1))
            .handler(
                (delivery, context) -> {
                  both.countDown();
                  if (delivery.message().text().length() == 1) {
                    finish.await();
                  }
                })
            .start()) {
      both.await();
      Rig.eventually("a poll for the third", () -> queue.asked.contains(1));
      finish.countDown();
      rig.awaitStats(worker, stats -> stats.running() == 0);
      rig.enqueue("next");
      rig.awaitStats(worker, stats -> stats.handled() == 3);
      // Two or three: the poll after it may come before its handler has ended.
      Rig.eventually("asks for them", () -> queue.asked.get(queue.asked.size() - 1) >= 2);
    }
  }

  @Test
  void S3_settlementsThatDoNotEndStopTheIntake() {
    List<CompletableFuture<Settlement>> answers = Collections.synchronizedList(new ArrayList<>());
    WorkQueue slow =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public CompletableFuture<Settlement> ack(Delivery delivery) {
            CompletableFuture<Settlement> answer = new CompletableFuture<>();
            answers.add(answer);
            return answer.thenCompose(go -> super.ack(delivery));
          }
        };
    for (int i = 0; i < 2_000; i++) {
      rig.enqueue("m" + i);
    }
    try (Worker worker = rig.worker(slow).slots(2).handler((d, c) -> {}).start()) {
      Rig.eventually("bound reached", () -> answers.size() == 1_002);
      rig.awaitStats(worker, stats -> stats.running() == 0);
      assertThat(worker.stats().handled()).as("not confirmed").isZero();
      rig.awaitDepth(998, 1_002, 0);
      Rig.eventually(
          "all settled once the broker answers",
          () -> {
            List<CompletableFuture<Settlement>> now;
            synchronized (answers) {
              now = List.copyOf(answers);
            }
            now.forEach(answer -> answer.complete(Settlement.OK));
            return rig.queue.depth().backlog() == 0;
          });
      rig.awaitStats(worker, stats -> stats.handled() == 2_000);
    }
  }

  @Test
  void S3_aPollThatFailsIsTriedAgainAtGrowingIntervalsAndRecovers() {
    AtomicInteger failures = new AtomicInteger();
    List<Long> atMillis = Collections.synchronizedList(new ArrayList<>());
    Polls down =
        new Polls(rig.queue) {
          @Override
          public List<Delivery> poll(int max, Duration wait) {
            if (failures.incrementAndGet() <= 12) {
              atMillis.add(Duration.ofNanos(rig.time.nanoTime()).toMillis());
              if (failures.get() % 2 == 0) {
                throw new QueueException(ErrorCode.UNAVAILABLE, "made up");
              }
              throw new OutOfMemoryError("made up");
            }
            return super.poll(max, wait);
          }
        };
    rig.enqueue("a");
    try (Worker worker = rig.worker(down).handler((d, c) -> {}).start()) {
      // One step may end two pauses, so it is counted by what happened and not by steps.
      Rig.eventually(
          "recovered",
          () -> {
            rig.advance(Duration.ofSeconds(1));
            return worker.stats().handled() == 1;
          });
    }
    assertThat(atMillis).hasSize(12);
    for (int failure = 1; failure < 12; failure++) {
      assertThat(atMillis.get(failure) - atMillis.get(failure - 1))
          .as("no earlier than half of the pause after failure %d", failure)
          .isGreaterThanOrEqualTo(pause(failure).toMillis() / 2 - 1);
    }
  }

  /** Equal jitter: between half of this and all of it. */
  private static Duration pause(int failure) {
    return Duration.ofMillis(Math.min(10_000, 100L << (failure - 1)));
  }

  @Test
  void S3_aQueueThatIsEmptyAtOnceIsNotPolledInABusyLoop() {
    AtomicInteger polls = new AtomicInteger();
    WorkQueue eager =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public List<Delivery> poll(int max, Duration wait) {
            polls.incrementAndGet();
            return super.poll(max, Duration.ZERO);
          }
        };
    try (Worker worker = rig.worker(eager).handler((d, c) -> {}).start()) {
      for (int step = 0; step < 50; step++) {
        Rig.eventually("pausing", () -> rig.time.pendingTimers() == 1);
        rig.advance(Duration.ofMillis(100));
      }
      // 5 s of at least 50 ms each once it has backed off.
      assertThat(polls.get()).isLessThan(120);
      Rig.eventually("pausing", () -> rig.time.pendingTimers() == 1);
      rig.enqueue("a");
      rig.advance(Duration.ofMillis(100));
      rig.awaitStats(worker, stats -> stats.handled() == 1);
    }
  }

  @Test
  void W1_moreThanAskedForIsGivenBack() {
    for (int i = 0; i < 10; i++) {
      rig.enqueue("m" + i);
    }
    WorkQueue generous =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public List<Delivery> poll(int max, Duration wait) {
            return super.poll(max + 3, wait);
          }
        };
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    try (Worker worker =
        rig.worker(generous)
            .slots(2)
            .handler(
                (delivery, context) -> {
                  most.accumulateAndGet(running.incrementAndGet(), Math::max);
                  running.decrementAndGet();
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 10);
      assertThat(most.get()).isLessThanOrEqualTo(2);
      rig.awaitDepth(0, 0, 0);
    }
  }

  @Test
  void S3_settlementsThatThrowOrAreUnknownAreCountedAndTheMessageComesBack() {
    rig.enqueue("throws");
    rig.enqueue("fails");
    rig.enqueue("unknown");
    AtomicInteger calls = new AtomicInteger();
    WorkQueue faulty =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public CompletableFuture<Settlement> ack(Delivery delivery) {
            if (calls.incrementAndGet() > 3) {
              return super.ack(delivery);
            }
            return switch (delivery.message().text()) {
              case "throws" -> throw new IllegalStateException("made up");
              case "fails" -> CompletableFuture.failedFuture(new IllegalStateException("made up"));
              default -> CompletableFuture.completedFuture(Settlement.UNKNOWN);
            };
          }
        };
    try (Worker worker = rig.worker(faulty).slots(3).handler((d, c) -> {}).start()) {
      rig.awaitStats(worker, stats -> stats.unknownSettlements() == 3 && stats.running() == 0);
      rig.awaitDepth(0, 3, 0);
      rig.advance(Rig.LEASE);
      rig.awaitStats(worker, stats -> stats.handled() == 3);
      rig.awaitDepth(0, 0, 0);
    }
  }

  @Test
  void R1_delaysBeyondWhatTheQueueOffersAreCutToThat() {
    Duration longest = Duration.ofSeconds(3);
    List<Duration> delays = Collections.synchronizedList(new ArrayList<>());
    WorkQueue limited =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public Capabilities capabilities() {
            return Capabilities.builder("limited")
                .lease(Duration.ofMillis(1), Duration.ofHours(12))
                .delays(Duration.ZERO, longest)
                .build();
          }

          @Override
          public CompletableFuture<Settlement> release(
              Delivery delivery, Duration delay, ReleaseCause cause) {
            delays.add(delay);
            return super.release(delivery, delay, cause);
          }
        };
    rig.enqueue("a");
    try (Worker worker =
        rig.worker(limited)
            .slots(2)
            .deciding((delivery, context) -> Outcome.retryAfter(Duration.ofHours(1)))
            .start()) {
      rig.awaitStats(worker, stats -> stats.retried() == 1);
      rig.awaitDepth(0, 0, 1);
      assertThat(delays).containsExactly(longest);
    }
  }
}
