package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.Backoff;
import dev.forebay.queue.policy.Jitter;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.worker.Outcome;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * R5, W1, W2: the worker on top of the backend. That backoff is a function of the attempt (R3) has
 * nothing to do with a backend: {@link Backoff} is tested where it is.
 */
public interface WorkerRules {

  /** What the handler says is what becomes of the message; throwing means another attempt. */
  @Test
  default void W1_outcomeOfTheHandler_decides(Trial trial) {
    WorkQueue queue = trial.open();
    Runs runs = new Runs();
    trial.start(
        Worker.builder(queue)
            .slots(2)
            .retry(retries(4))
            .deciding(
                runs.handler(
                    (delivery, run, context) ->
                        run > 1 ? Outcome.ack() : firstOutcome(delivery.message().text()))));
    List<String> texts = List.of("ack", "throws", "retry", "retry after", "give back");
    trial.enqueueMany(queue, texts.size(), i -> Message.text(texts.get(i)));
    assertThat(runs.goOn(trial, queue, () -> runs.ended() >= 9))
        .as("all runs come; so far: %s", runs)
        .isTrue();
    trial.stopWorkers();
    assertThat(runs.of("ack")).containsExactly(1);
    assertThat(runs.of("throws")).containsExactly(1, 2);
    assertThat(runs.of("retry")).containsExactly(1, 2);
    assertThat(runs.of("retry after")).containsExactly(1, 2);
    assertThat(runs.of("give back")).containsExactly(1, trial.offers(Ability.FREE_RETURNS) ? 1 : 2);
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }

  private static Outcome firstOutcome(String text) {
    return switch (text) {
      case "throws" -> throw new IllegalStateException("the first time");
      case "retry" -> Outcome.retry();
      case "retry after" -> Outcome.retryAfter(Duration.ofMillis(400));
      case "give back" -> Outcome.giveBack();
      default -> Outcome.ack();
    };
  }

  /** Work of many leases runs once, while another process waits for work. */
  @Test
  default void W1_workLongerThanItsLease_runsOnce(Trial trial) {
    Duration lease = trial.useShortLease();
    // Ten leases where time costs nothing; on brokers L3 has shown ten without a worker.
    boolean manual = trial.timing().granularity().isZero();
    Duration work = lease.multipliedBy(manual ? 10 : 3);
    WorkQueue queue = trial.open();
    WorkQueue other = trial.open();
    Runs runs = new Runs();
    trial.start(
        Worker.builder(queue)
            .slots(2)
            .deciding(
                runs.handler(
                    (delivery, run, context) -> {
                      work(trial, work);
                      return Outcome.ack();
                    })));
    trial.enqueueMany(queue, 2);
    List<Delivery> strays = new ArrayList<>();
    assertThat(
            runs.goOn(
                trial,
                queue,
                () -> {
                  if (runs.begun() >= 2) {
                    strays.addAll(other.poll(2, manual ? Duration.ZERO : Duration.ofMillis(200)));
                  }
                  return runs.ended() >= 2;
                }))
        .as("both works end; so far: %s", runs)
        .isTrue();
    trial.stopWorkers();
    assertThat(strays).as("deliveries of work that is under way").isEmpty();
    assertThat(runs.begun()).as("runs of two messages").isEqualTo(2);
    assertThat(trial.arrivals(List.of(queue, other), 2, trial.quiet())).isEmpty();
  }

  /** Never more handlers than slots, and each message once. */
  @Test
  default void W1_slots_boundTheHandlers(Trial trial) {
    WorkQueue queue = trial.open();
    Runs runs = new Runs();
    trial.start(
        Worker.builder(queue)
            .slots(3)
            .deciding(
                runs.handler(
                    (delivery, run, context) -> {
                      work(trial, Duration.ofMillis(20));
                      return Outcome.ack();
                    })));
    trial.enqueueMany(queue, 24);
    assertThat(runs.goOn(trial, queue, () -> runs.ended() >= 24))
        .as("24 messages are handled; so far %s", runs.ended())
        .isTrue();
    trial.stopWorkers();
    assertThat(runs.most()).as("handlers at once").isBetween(1, 3);
    assertThat(runs.begun()).as("runs of 24 messages").isEqualTo(24);
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }

  /** A closing worker lets the handlers end and acks them; what was not started is another's. */
  @Test
  default void W1_closingWorker_drains(Trial trial) {
    WorkQueue queue = trial.open();
    CountDownLatch end = new CountDownLatch(1);
    Runs runs = new Runs();
    Worker worker =
        trial.start(
            Worker.builder(queue)
                .slots(2)
                .grace(Duration.ofSeconds(20))
                .deciding(
                    runs.handler(
                        (delivery, run, context) -> {
                          end.await();
                          return Outcome.ack();
                        })));
    trial.enqueueMany(queue, 6);
    assertThat(runs.goOn(trial, queue, () -> runs.begun() == 2)).as("two handlers run").isTrue();
    Background<Boolean> closing =
        Background.start(
                trial.timing(),
                "close",
                () -> {
                  worker.close();
                  return true;
                })
            .untilItWaits();
    assertThat(closing.isDone()).as("closed while handlers run").isFalse();
    end.countDown();
    closing.result();
    assertThat(worker.stats().handled()).as("acked of those that ran").isEqualTo(2);
    assertThat(runs.begun()).isEqualTo(2);
    List<Delivery> left = trial.take(queue, 4);
    assertThat(left).allMatch(delivery -> delivery.attempts().failed() == 0);
    assertThat(left).allMatch(delivery -> delivery.attempts().leaseLost() == 0);
    trial.ackAll(left);
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }

  /**
   * The lease ends under a handler that goes on: it is interrupted, and its result is not acked.
   */
  @Test
  default void W2_lostLease_interruptsTheHandler_whoseResultIsNotAcked(Trial trial) {
    trial.useShortLease();
    WorkQueue queue = trial.open();
    Runs runs = new Runs();
    AtomicInteger interrupted = new AtomicInteger();
    Worker worker =
        trial.start(
            Worker.builder(queue)
                .slots(1)
                .leases(LeasePolicy.defaults().maxRunTime(Duration.ofMillis(1)))
                .deciding(
                    runs.handler(
                        (delivery, run, context) -> {
                          if (run == 1) {
                            try {
                              work(trial, trial.lease().multipliedBy(100));
                            } catch (InterruptedException e) {
                              assertThat(context.isLeaseLost()).isTrue();
                              interrupted.incrementAndGet();
                            }
                          }
                          return Outcome.ack();
                        })));
    trial.enqueue(queue, Message.text("long"));
    assertThat(runs.goOn(trial, queue, () -> worker.stats().handled() == 1))
        .as("the message comes again and is handled; so far: %s", runs)
        .isTrue();
    trial.stopWorkers();
    assertThat(interrupted).as("interrupts of the handler without a lease").hasValue(1);
    assertThat(runs.of("long")).containsExactly(1, 2);
    assertThat(worker.stats().leaseLost()).isEqualTo(1);
    assertThat(worker.stats().wasted()).as("time for a result nobody took").isPositive();
    trial.nothingArrives(queue, trial.quiet());
  }

  /** The last attempt, and a terminal failure at once, end in the dead letters with their cause. */
  @Test
  @WhenOffered(Ability.DEAD_LETTERS)
  default void R5_lastAttemptOrTerminalFailure_isDeadLettered(Trial trial) {
    WorkQueue queue = trial.open();
    Runs runs = new Runs();
    trial.start(
        Worker.builder(queue)
            .slots(2)
            .retry(retries(3).terminal(IllegalArgumentException.class))
            .deciding(
                runs.handler(
                    (delivery, run, context) ->
                        switch (delivery.message().text()) {
                          case "fails" -> throw new IllegalStateException("again");
                          case "terminal" -> throw new IllegalArgumentException("never");
                          default ->
                              Outcome.deadLetter(new DeadLetterCause("Chosen", "by the handler"));
                        })));
    List<String> texts = List.of("fails", "terminal", "chosen");
    trial.enqueueMany(queue, texts.size(), i -> Message.text(texts.get(i)));
    assertThat(runs.goOn(trial, queue, () -> runs.ended() >= 5))
        .as("all attempts come; so far: %s", runs)
        .isTrue();
    trial.stopWorkers();
    assertThat(runs.of("fails")).containsExactly(1, 2, 3);
    assertThat(runs.of("terminal")).containsExactly(1);
    assertThat(runs.of("chosen")).containsExactly(1);
    List<Delivery> dead = trial.take(trial.openDeadLetters(), 3);
    assertThat(dead)
        .extracting(
            letter -> letter.message().text(),
            letter -> letter.deadLetter().orElseThrow().cause().type())
        .containsExactlyInAnyOrder(
            tuple("fails", "IllegalStateException"),
            tuple("terminal", "IllegalArgumentException"),
            tuple("chosen", "Chosen"));
    trial.ackAll(dead);
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }

  private static RetryPolicy retries(int attempts) {
    Duration soon = Duration.ofMillis(200);
    return RetryPolicy.backoff(Backoff.exponential(soon, soon).jitter(Jitter.NONE))
        .maxAttempts(attempts);
  }

  /** Works for this long on the test's clock. */
  private static void work(Trial trial, Duration time) throws InterruptedException {
    Timing timing = trial.timing();
    long began = timing.nanoTime();
    while (timing.since(began).compareTo(time) < 0) {
      // Real time, in which a manual clock is moved by the test; ends at once when interrupted.
      if (new CountDownLatch(1).await(1, TimeUnit.MILLISECONDS)) {
        return;
      }
    }
  }
}
