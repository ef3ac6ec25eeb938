package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.ThrottledException;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** What settlements do is counted and told when the queue has confirmed it (A3, W7). */
class WorkerConfirmedTest {

  private static final Duration HOUR = Duration.ofHours(1);

  /** What is done about a message, which says so in its text. */
  private enum Case {
    ACK,
    RETRY,
    THROTTLED,
    DEAD,
    GIVE_BACK,
    DUPLICATE,
    DIVERTED,
    EXPIRED,
    GATE
  }

  private static long count(Case of, WorkerStats stats) {
    return switch (of) {
      case ACK -> stats.handled();
      case RETRY -> stats.retried();
      case THROTTLED -> stats.throttled();
      case DEAD -> stats.deadLettered();
      case GIVE_BACK, GATE -> stats.returned();
      case DUPLICATE -> stats.duplicates();
      case DIVERTED -> stats.diverted();
      case EXPIRED -> stats.expired();
    };
  }

  private static List<String> events(Case of) {
    return switch (of) {
      case ACK -> List.of("acked");
      case RETRY -> List.of("retried");
      case THROTTLED -> List.of("throttled");
      case DEAD -> List.of("dead");
      case GIVE_BACK -> List.of("returned");
      case DUPLICATE -> List.of("skipped DUPLICATE", "acked");
      case DIVERTED -> List.of("skipped DIVERTED", "acked");
      case EXPIRED -> List.of("skipped EXPIRED", "dead");
      case GATE -> List.of("skipped GATE_CLOSED", "returned");
    };
  }

  /** A queue whose settlements are answered by the test. */
  private static final class Slow extends ForwardingWorkQueue {

    final List<CompletableFuture<Settlement>> answers = new CopyOnWriteArrayList<>();

    Slow(WorkQueue queue) {
      super(queue);
    }

    private CompletableFuture<Settlement> once(Supplier<CompletableFuture<Settlement>> settlement) {
      CompletableFuture<Settlement> answer = new CompletableFuture<>();
      answers.add(answer);
      return answer.thenCompose(
          how -> how == Settlement.OK ? settlement.get() : CompletableFuture.completedFuture(how));
    }

    @Override
    public CompletableFuture<Settlement> ack(Delivery delivery) {
      return once(() -> super.ack(delivery));
    }

    @Override
    public CompletableFuture<Settlement> release(
        Delivery delivery, Duration delay, ReleaseCause cause) {
      // Never back within the test.
      return once(() -> super.release(delivery, HOUR, cause));
    }

    @Override
    public CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause) {
      return once(() -> super.deadLetter(delivery, cause));
    }
  }

  private static final class Notes implements WorkerListener {

    final List<String> heard = new CopyOnWriteArrayList<>();

    @Override
    public void skipped(Delivery delivery, SkipReason why) {
      heard.add("skipped " + why);
    }

    @Override
    public void acked(Delivery delivery) {
      heard.add("acked");
    }

    @Override
    public void retried(Delivery delivery, Duration after) {
      heard.add("retried");
    }

    @Override
    public void throttled(Delivery delivery, Duration after) {
      heard.add("throttled");
    }

    @Override
    public void returned(Delivery delivery) {
      heard.add("returned");
    }

    @Override
    public void deadLettered(Delivery delivery, DeadLetterCause cause) {
      heard.add("dead");
    }

    @Override
    public void unsettled(Delivery delivery, Settlement result) {
      heard.add("unsettled " + result);
    }
  }

  private static long confirmed(WorkerStats stats) {
    return stats.handled()
        + stats.retried()
        + stats.throttled()
        + stats.deadLettered()
        + stats.returned()
        + stats.duplicates()
        + stats.diverted()
        + stats.expired();
  }

  private static Decision step(Run run) {
    DeadLetterCause late = new DeadLetterCause(DeadLetterCause.EXPIRED, "made up");
    return switch (Case.valueOf(run.delivery().message().text())) {
      case DUPLICATE -> Decision.settle(Outcome.ack(), SkipReason.DUPLICATE);
      case DIVERTED -> Decision.settle(Outcome.ack(), SkipReason.DIVERTED);
      case EXPIRED -> Decision.settle(Outcome.deadLetter(late), SkipReason.EXPIRED);
      case GATE -> Decision.settle(Outcome.giveBack(), SkipReason.GATE_CLOSED);
      default -> Decision.GO;
    };
  }

  private static Outcome handle(Delivery delivery) throws Exception {
    return switch (Case.valueOf(delivery.message().text())) {
      case RETRY -> throw new IOException("busy");
      case THROTTLED -> throw new ThrottledException("429", HOUR);
      case DEAD -> Outcome.deadLetter(new IOException("gone"));
      case GIVE_BACK -> Outcome.giveBack();
      default -> Outcome.ack();
    };
  }

  /** Runs one message until its settlement was asked for; then the test goes on. */
  private static void run(Case given, Check check) {
    Rig rig = new Rig();
    Slow queue = new Slow(rig.queue);
    Notes notes = new Notes();
    rig.enqueue(given.name());
    try (Worker worker =
        rig.worker(queue)
            .listener(notes)
            .step(context -> WorkerConfirmedTest::step)
            .deciding((delivery, context) -> handle(delivery))
            .start()) {
      Rig.eventually("asked", () -> queue.answers.size() == 1);
      rig.awaitStats(worker, stats -> stats.running() == 0);
      assertThat(confirmed(worker.stats())).as("%s before the answer", given).isZero();
      assertThat(notes.heard).as("%s before the answer", given).isEmpty();
      check.go(queue.answers.get(0), worker, notes.heard);
    }
  }

  private interface Check {
    void go(CompletableFuture<Settlement> answer, Worker worker, List<String> heard);
  }

  @Test
  void A3_whatIsConfirmedIsCountedAndTold() {
    for (Case each : Case.values()) {
      run(
          each,
          (answer, worker, heard) -> {
            answer.complete(Settlement.OK);
            assertThat(count(each, worker.stats())).as("%s", each).isEqualTo(1);
            assertThat(heard).as("%s", each).isEqualTo(events(each));
          });
    }
  }

  @Test
  void A3_whatIsStaleOrUnknownHasDoneNothing() {
    for (Case each : Case.values()) {
      for (Settlement how : List.of(Settlement.STALE, Settlement.UNKNOWN)) {
        run(
            each,
            (answer, worker, heard) -> {
              answer.complete(how);
              WorkerStats stats = worker.stats();
              assertThat(confirmed(stats)).as("%s, %s", each, how).isZero();
              assertThat(heard).as("%s", each).containsExactly("unsettled " + how);
              assertThat(stats.staleSettlements()).isEqualTo(how == Settlement.STALE ? 1 : 0);
              assertThat(stats.unknownSettlements()).isEqualTo(how == Settlement.STALE ? 0 : 1);
            });
      }
    }
  }

  @Test
  void A3_whatEndsWithAnExceptionIsUnknown() {
    run(
        Case.ACK,
        (answer, worker, heard) -> {
          answer.completeExceptionally(new IllegalStateException("made up"));
          assertThat(confirmed(worker.stats())).isZero();
          assertThat(worker.stats().unknownSettlements()).isEqualTo(1);
          assertThat(heard).containsExactly("unsettled UNKNOWN");
        });
  }

  /** An attempt failed when its handler did, whatever becomes of the message. */
  @Test
  void W7_aFailureIsCountedAtOnce() {
    run(
        Case.RETRY,
        (answer, worker, heard) -> {
          assertThat(worker.stats().failed()).isEqualTo(1);
          answer.complete(Settlement.OK);
        });
  }
}
