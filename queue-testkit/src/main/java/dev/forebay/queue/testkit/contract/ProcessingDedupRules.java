package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.dedup.Claim;
import dev.forebay.queue.dedup.ClaimOutcome;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** U2–U4: a worker with a dedup store on top of the backend. */
public interface ProcessingDedupRules {

  /** A second message with finished work is acked without running it. */
  @Test
  default void U2_finishedWork_isAckedWithoutRunning(Trial trial) {
    trial.useShortLease();
    WorkQueue queue = trial.open();
    try (DedupBench bench = new DedupBench(trial)) {
      trial.enqueue(queue, Message.text("work"));
      bench.work(queue, 2, bench.store, bench::note);

      bench.until("the work has run", () -> bench.ran.size() == 1);
      trial.enqueue(queue, Message.text("work"));
      bench.until("the duplicate was seen", () -> bench.duplicates.size() == 1);

      bench.stop();
      assertThat(bench.ran).containsExactly("work 1");
      trial.nothingArrives(queue, trial.quiet());
    }
  }

  /** A crash between claim and complete: the work waits for the end of the claim, then runs. */
  @Test
  default void U2_claimOfADeadProcess_endsAndTheWorkIsRun(Trial trial) {
    WorkQueue queue = trial.open();
    try (DedupBench bench = new DedupBench(trial)) {
      Duration term = Duration.ofSeconds(2);
      Claim dead = Claim.on(DedupKey.of("work"));
      // Before the claim: the machine may stall after it.
      long claimed = trial.timing().nanoTime();
      assertThat(bench.store.claim(dead, term).join()).isInstanceOf(ClaimOutcome.Granted.class);
      trial.enqueue(queue, Message.text("work"));
      bench.work(queue, 1, bench.store, bench::note);

      boolean ran =
          trial
              .timing()
              .await(
                  trial.late(term.plus(trial.timing().arrival())),
                  () -> !bench.ran.isEmpty(),
                  () -> true);
      assertThat(ran).as("the work is run when the claim has ended").isTrue();
      assertThat(trial.timing().since(claimed)).isGreaterThanOrEqualTo(term);

      bench.stop();
      // What a return costs is the backend's; it declares it.
      assertThat(bench.ran).hasSize(1);
      if (trial.offers(Ability.FREE_RETURNS)) {
        assertThat(bench.ran).containsExactly("work 1");
      }
    }
  }

  /** Equal work that is in flight at once is run once; all its messages are acked. */
  @Test
  default void U2_equalWorkInFlight_runsOnce(Trial trial) {
    WorkQueue queue = trial.open();
    try (DedupBench bench = new DedupBench(trial)) {
      CountDownLatch finish = new CountDownLatch(1);
      trial.enqueueMany(queue, 3, i -> Message.text("work"));
      Worker worker =
          bench.work(
              queue,
              3,
              bench.store,
              (delivery, context) -> {
                bench.note(delivery, context);
                finish.await();
              });

      bench.until("all three are in flight", () -> worker.stats().running() == 3);
      finish.countDown();
      bench.until("the twins were seen", () -> bench.duplicates.size() == 2);

      bench.stop();
      assertThat(bench.ran).hasSize(1);
      trial.nothingArrives(queue, Duration.ofMillis(500));
    }
  }

  /** Work that failed is not finished: its next attempt runs. */
  @Test
  default void U3_failedWork_runsAgain(Trial trial) {
    WorkQueue queue = trial.open();
    try (DedupBench bench = new DedupBench(trial)) {
      trial.enqueue(queue, Message.text("work"));
      bench.work(
          queue,
          1,
          bench.store,
          (delivery, context) -> {
            bench.note(delivery, context);
            if (bench.ran.size() == 1) {
              throw new IllegalStateException("made up");
            }
          });

      boolean again =
          trial
              .timing()
              .await(trial.late(trial.timing().arrival()), () -> bench.ran.size() == 2, () -> true);
      assertThat(again).as("the second attempt runs").isTrue();

      bench.stop();
      assertThat(bench.duplicates).isEmpty();
    }
  }

  /** A store that is down drops nothing and keeps nothing from running. */
  @Test
  default void U3_storeIsDown_everythingRunsAndIsAcked(Trial trial) {
    trial.useShortLease();
    WorkQueue queue = trial.open();
    try (DedupBench bench = new DedupBench(trial)) {
      int count = 5;
      trial.enqueueMany(queue, count);
      Worker worker = bench.work(queue, 2, new StoreThatIsDown(), bench::note);

      bench.until("all have run", () -> worker.stats().handled() == count);

      bench.stop();
      assertThat(bench.ran).doesNotHaveDuplicates().hasSize(count);
      assertThat(bench.duplicates).isEmpty();
      trial.nothingArrives(queue, trial.quiet());
    }
  }

  /** The work was finished and its ack got lost: the message comes back and is acked. */
  @Test
  default void U4_finishedButNotAcked_isRecognised(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    try (DedupBench bench = new DedupBench(trial)) {
      AtomicInteger acks = new AtomicInteger();
      WorkQueue losesOneAck =
          new ForwardingWorkQueue(queue) {
            @Override
            public CompletableFuture<Settlement> ack(Delivery delivery) {
              return acks.incrementAndGet() == 1
                  ? CompletableFuture.completedFuture(Settlement.UNKNOWN)
                  : super.ack(delivery);
            }
          };
      trial.enqueue(queue, Message.text("work"));
      bench.work(losesOneAck, 1, bench.store, bench::note);

      bench.until("the ack was lost", () -> acks.get() == 1);
      boolean seen =
          trial
              .timing()
              .await(
                  trial.late(lease.plus(trial.timing().arrival())),
                  () -> bench.duplicates.size() == 1,
                  () -> true);
      assertThat(seen).as("the message comes back and is recognised").isTrue();

      bench.stop();
      assertThat(bench.ran).hasSize(1);
      trial.nothingArrives(queue, trial.quiet());
    }
  }
}
