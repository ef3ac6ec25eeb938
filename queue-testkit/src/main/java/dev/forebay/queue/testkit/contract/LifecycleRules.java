package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** S1: what close does; {@link TroubleRules} has S2 and S3. */
public interface LifecycleRules {

  /** Again, from many threads, and without ever having been used. */
  @Test
  default void S1_close_mayBeCalledByManyAndAgain(Trial trial) {
    WorkQueue unused = trial.open();
    trial.close(unused);
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("used"));
    trial.ack(trial.take(queue));
    List<Background<Boolean>> closers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      closers.add(closing(trial, queue));
    }
    closers.forEach(closer -> closer.result());
    trial.close(queue);
    trial.close(unused);
  }

  private static Background<Boolean> closing(Trial trial, WorkQueue queue) {
    return Background.start(
        trial.timing(),
        "close",
        () -> {
          queue.close();
          return true;
        });
  }

  /** A delivery in the caller's hands may still be settled while close waits for it. */
  @Test
  default void S1_deliveryInHand_maySettleWhileCloseWaits(Trial trial) {
    trial.use(trial.settings().withGrace(Duration.ofSeconds(15)));
    WorkQueue queue = trial.open();
    trial.enqueueMany(queue, 3);
    List<Delivery> held = trial.take(queue, 3);
    Background<Boolean> closing = closing(trial, queue).untilItWaits();
    assertThat(trial.get(held.get(0).extend(trial.lease()))).isEqualTo(Settlement.OK);
    assertThat(closing.isDone()).as("closed while deliveries are in hand").isFalse();
    held.forEach(trial::ack);
    long settled = trial.timing().nanoTime();
    closing.result(Duration.ofSeconds(15));
    assertThat(trial.timing().since(settled))
        .as("close after the last settlement")
        .isLessThan(Duration.ofSeconds(14));
    trial.use(trial.settings().withGrace(Duration.ofSeconds(1)));
    trial.nothingArrives(trial.open(), Duration.ofSeconds(1));
  }

  /**
   * The usual end of a loop: its thread is told to stop, its poll returns, and it closes. Whatever
   * close does for others it does then too, and the thread is still interrupted afterwards.
   */
  @Test
  default void S1_closeByAnInterruptedThread_drains(Trial trial) {
    trial.use(trial.settings().withGrace(Duration.ofSeconds(15)));
    WorkQueue queue = trial.open();
    trial.enqueueMany(queue, 3);
    List<Delivery> held = trial.take(queue, 3);
    Background<List<Delivery>> poll =
        Background.start(trial.timing(), "poll", () -> queue.poll(2, PollRules.LONG_WAIT))
            .untilItWaits();
    poll.interrupt();
    assertThat(poll.result()).isEmpty();
    CompletableFuture<EnqueueOutcome> last = queue.enqueue(Message.text("last"));
    Background<Boolean> closing =
        Background.start(
                trial.timing(),
                "close",
                () -> {
                  Thread.currentThread().interrupt();
                  queue.close();
                  return Thread.interrupted();
                })
            .untilItWaits();
    assertThat(trial.get(held.get(0).extend(trial.lease()))).isEqualTo(Settlement.OK);
    assertThat(closing.isDone()).as("closed while deliveries are in hand").isFalse();
    // Once more, as by a second shutdownNow().
    closing.interrupt();
    closing.untilItWaits();
    held.forEach(trial::ack);
    assertThat(closing.result(Duration.ofSeconds(15).plus(Trial.CALL)))
        .as("interrupted after close")
        .isTrue();
    EnqueueOutcome stored = trial.get(last);
    assertThat(stored).isInstanceOf(EnqueueOutcome.Enqueued.class);
    trial.use(trial.settings().withGrace(Duration.ofSeconds(1)));
    WorkQueue other = trial.open();
    Delivery next = trial.take(other);
    assertThat(next.id()).isEqualTo(stored.orThrow());
    trial.ack(next);
    trial.nothingArrives(other, Duration.ofSeconds(1));
  }

  /** Nobody settles: close ends with its grace time, and the message comes back by its lease. */
  @Test
  default void S1_unsettledDelivery_endsWithTheGraceAndComesBackByItsLease(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    String id = trial.enqueue(queue, Message.text("abandoned"));
    Delivery abandoned = trial.take(queue);
    long began = trial.timing().nanoTime();
    Duration bound = trial.settings().grace().plusSeconds(1).plus(trial.timing().tolerance());
    closing(trial, queue).result(bound);
    assertThat(trial.timing().since(began)).isLessThanOrEqualTo(bound.plusMillis(500));
    assertThat(trial.get(abandoned.ack())).as("ack after close").isNotEqualTo(Settlement.OK);
    Taken taken = trial.takeWithin(trial.open(), trial.late(lease)).orElseThrow();
    assertThat(taken.delivery().id()).isEqualTo(id);
    trial.ack(taken.delivery());
  }

  /** What was received ahead but not handed out is another process's at once, not by its lease. */
  @Test
  default void S1_unstartedMessages_areGivenBackAtOnce(Trial trial) {
    WorkQueue closes = trial.open();
    WorkQueue other = trial.open();
    List<String> ids = trial.enqueueMany(closes, 25);
    List<Delivery> started = new ArrayList<>(trial.take(closes, 2));
    trial.ackAll(started);
    trial.close(closes);
    while (started.size() < 25) {
      // Far sooner than the lease of thirty seconds would let them come back.
      Delivery delivery = trial.take(other);
      assertThat(delivery.attempts().failed()).isZero();
      assertThat(delivery.attempts().leaseLost()).isZero();
      trial.ack(delivery);
      started.add(delivery);
    }
    assertThat(started).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(ids);
  }

  /** Closing while polls wait swallows nothing of what arrives just then or later. */
  @Test
  default void S1_closeDuringIdlePolls_swallowsNothing(Trial trial) {
    WorkQueue closes = trial.open();
    WorkQueue other = trial.open();
    List<Background<List<Delivery>>> polls = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      polls.add(
          Background.start(trial.timing(), "poll", () -> closes.poll(2, PollRules.LONG_WAIT))
              .untilItWaits());
    }
    Background<Boolean> closing = closing(trial, closes);
    List<String> ids = trial.enqueueMany(other, 10);
    closing.result(trial.settings().grace().plus(Trial.CALL));
    Set<String> seen = new HashSet<>();
    for (Background<List<Delivery>> poll : polls) {
      // Handed out in the very last moment: such a delivery is the caller's, and cannot be acked.
      poll.result().forEach(delivery -> seen.add(delivery.id()));
    }
    while (seen.size() < 10) {
      Delivery delivery = trial.take(other);
      trial.ack(delivery);
      seen.add(delivery.id());
    }
    assertThat(seen).containsExactlyInAnyOrderElementsOf(ids);
  }

  /** Enqueues that meet a close: each gets an outcome, and the outcome is true. */
  @Test
  default void S1_enqueuesDuringClose_eachGetATrueOutcome(Trial trial) {
    WorkQueue queue = trial.open();
    Set<String> stored = ConcurrentHashMap.newKeySet();
    Set<String> refused = ConcurrentHashMap.newKeySet();
    List<Background<Boolean>> producers = new ArrayList<>();
    for (int p = 0; p < 3; p++) {
      int producer = p;
      producers.add(
          Background.start(
              trial.timing(),
              "producer",
              () -> {
                int closed = 0;
                for (int i = 0; i < 10_000 && closed < 3; i++) {
                  String text = producer + "/" + i;
                  EnqueueOutcome outcome = queue.enqueue(Message.text(text)).join();
                  if (outcome instanceof EnqueueOutcome.Failed failed) {
                    assertThat(failed.code()).isEqualTo(ErrorCode.CLOSED);
                    refused.add(text);
                    closed++;
                  } else {
                    stored.add(text);
                  }
                }
                return true;
              }));
    }
    LockSupport.parkNanos(5_000_000);
    trial.close(queue);
    producers.forEach(producer -> producer.result());
    WorkQueue after = trial.open();
    Set<String> got = new HashSet<>();
    while (got.size() < stored.size()) {
      List<Delivery> some =
          trial.arrivals(List.of(after), 20, trial.late(trial.timing().arrival()));
      assertThat(some).as("deliveries, after %s of %s", got.size(), stored.size()).isNotEmpty();
      for (Delivery delivery : some) {
        assertThat(got.add(delivery.message().text())).as("delivered once").isTrue();
        trial.ack(delivery);
      }
    }
    assertThat(got).containsExactlyInAnyOrderElementsOf(stored);
    assertThat(got).as("delivered although refused").noneMatch(refused::contains);
    trial.nothingArrives(after, Duration.ofMillis(500));
  }

  /**
   * Close at random moments while threads poll and ack: nothing is lost, nothing acked returns, and
   * since they end long before the grace time each of their acks is OK, unless its lease ended.
   */
  @Test
  default void S1_closeAtAnyMoment_losesNothing(Trial trial) {
    trial.useShortLease();
    trial.use(trial.settings().withGrace(Duration.ofSeconds(15)));
    Random random = new Random(11);
    WorkQueue queue = trial.open();
    Set<String> missing = new HashSet<>(trial.enqueueMany(queue, 60));
    WorkWhileClosing work = new WorkWhileClosing(trial.timing());
    for (int round = 0; round < 4; round++) {
      WorkQueue current = queue;
      List<Background<Boolean>> workers = new ArrayList<>();
      for (int w = 0; w < 3; w++) {
        workers.add(
            Background.start(
                trial.timing(),
                "worker",
                () -> {
                  work.workUntilClosed(current);
                  return true;
                }));
      }
      work.awaitSomeMoment(random, 60);
      Background<Boolean> closing = closing(trial, current);
      // They first: a manual clock must not run through the grace time while they are at work.
      workers.forEach(worker -> worker.result());
      closing.result(Duration.ofSeconds(16).plus(Trial.CALL));
      assertThat(work.faults).as("what went wrong until the close of round %s", round).isEmpty();
      queue = trial.open();
    }
    missing.removeAll(work.acked);
    missing.removeAll(work.tooLate);
    while (!missing.isEmpty()) {
      Delivery delivery = trial.take(queue);
      assertThat(work.acked).as("acked before").doesNotContain(delivery.id());
      trial.ack(delivery);
      missing.remove(delivery.id());
    }
  }

  /** After close, no thread is left of those that opening and working started. */
  @Test
  default void S1_close_leavesNoThreadBehind(Trial trial) {
    // Once before, so that what a shared client starts at its first use is not counted.
    openWorkClose(trial);
    ThreadGroup group = new ThreadGroup("contract-" + trial.name());
    Background<Boolean> run =
        Background.startIn(
            group,
            trial.timing(),
            "lifecycle",
            () -> {
              openWorkClose(trial);
              return true;
            });
    run.result();
    Set<String> left = new HashSet<>();
    trial
        .timing()
        .await(
            () -> {
              left.clear();
              Thread[] threads = new Thread[group.activeCount() + 16];
              int count = group.enumerate(threads);
              for (int i = 0; i < count; i++) {
                String name = threads[i].getName();
                if (!isSharedByTheJvm(name) && !trial.harness().isClientThread(name)) {
                  left.add(name);
                }
              }
              return left.isEmpty();
            });
    assertThat(left).as("threads left behind by a closed queue").isEmpty();
  }

  private static void openWorkClose(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueueMany(queue, 5);
    List<Delivery> taken = trial.take(queue, 5);
    assertThat(trial.get(taken.get(0).extend(trial.lease()))).isEqualTo(Settlement.OK);
    trial.ackAll(taken);
    trial.nothingArrives(queue, Duration.ofMillis(200));
    trial.close(queue);
  }

  /** Threads that belong to nobody: they serve the whole JVM and end, or idle, by themselves. */
  private static boolean isSharedByTheJvm(String thread) {
    return thread.equals("forebay-timer")
        || thread.startsWith("ForkJoinPool.commonPool")
        || thread.startsWith("CompletableFutureDelayScheduler");
  }
}
