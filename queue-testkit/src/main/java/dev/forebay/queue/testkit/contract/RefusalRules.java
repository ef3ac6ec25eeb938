package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import dev.forebay.queue.worker.Expiry;
import dev.forebay.queue.worker.Gate;
import dev.forebay.queue.worker.Outcome;
import dev.forebay.queue.worker.TypeBreaker;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** W4–W6: what a worker does not let its handler run, and where that ends on the backend. */
public interface RefusalRules {

  /** A message of a type that keeps failing goes to the slow lane as it is, and says why. */
  @Test
  default void W4_typeWithAnOpenBreaker_goesToTheSlowLaneWithTheCause(Trial trial) {
    WorkQueue queue = trial.open();
    WorkQueue slow = trial.openBeside("slow");
    Runs runs = new Runs();
    Worker worker =
        trial.start(
            Worker.builder(queue)
                .slots(2)
                .breaker(new FragileBreaker(), slow)
                .deciding(runs.handler((delivery, run, context) -> Outcome.ack())));
    trial.enqueueMany(
        queue,
        6,
        i ->
            Message.text("message " + i)
                .type(i % 2 == 0 ? FragileBreaker.TYPE : "sturdy")
                .header("tenant", "of " + i));
    assertThat(
            Runs.goOn(
                trial,
                queue,
                worker,
                () -> worker.stats().diverted() >= 3 && worker.stats().handled() >= 3))
        .as("all are handled or diverted; so far: %s", worker.stats())
        .isTrue();
    trial.stopWorkers();
    assertThat(runs.toString()).isEqualTo("{message 1=[1], message 3=[1], message 5=[1]}");
    List<Delivery> diverted = trial.take(slow, 3);
    assertThat(diverted)
        .extracting(delivery -> delivery.message().text())
        .containsExactlyInAnyOrder("message 0", "message 2", "message 4");
    for (Delivery delivery : diverted) {
      Message message = delivery.message();
      assertThat(delivery.attempt()).isEqualTo(1);
      assertThat(message.type()).contains(FragileBreaker.TYPE);
      assertThat(message.header("tenant")).contains("of " + message.text().substring(8));
      assertThat(message.header(TypeBreaker.CAUSE_HEADER).orElse("")).contains(FragileBreaker.TYPE);
      assertThat(message.header(TypeBreaker.ORIGIN_HEADER)).contains(queue.name());
    }
    trial.ackAll(diverted);
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }

  /** What the slow lane does not take stays here, unhandled, until it does. */
  @Test
  default void W4_slowLaneIsDown_nothingIsLost(Trial trial) {
    WorkQueue queue = trial.open();
    WorkQueue slow = trial.openBeside("slow");
    AtomicBoolean down = new AtomicBoolean(true);
    AtomicInteger refused = new AtomicInteger();
    WorkQueue shaky =
        new ForwardingWorkQueue(slow) {
          @Override
          public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
            if (!down.get()) {
              return super.enqueue(message);
            }
            refused.incrementAndGet();
            return CompletableFuture.completedFuture(
                new EnqueueOutcome.Failed(ErrorCode.UNAVAILABLE, "made up: the lane is down"));
          }
        };
    Runs runs = new Runs();
    Worker worker =
        trial.start(
            Worker.builder(queue)
                .slots(2)
                .breaker(new FragileBreaker(), shaky)
                .deciding(runs.handler((delivery, run, context) -> Outcome.ack())));
    trial.enqueueMany(queue, 2, i -> Message.text("message " + i).type(FragileBreaker.TYPE));
    assertThat(Runs.goOn(trial, queue, worker, () -> refused.get() >= 2))
        .as("the lane refuses both")
        .isTrue();
    down.set(false);
    assertThat(Runs.goOn(trial, queue, worker, () -> worker.stats().diverted() >= 2))
        .as("both go to the lane that is back; so far: %s", worker.stats())
        .isTrue();
    trial.stopWorkers();
    assertThat(runs.begun()).as("runs of a type whose breaker is open").isZero();
    List<Delivery> diverted = trial.take(slow, 2);
    assertThat(diverted)
        .extracting(delivery -> delivery.message().text())
        .containsExactlyInAnyOrder("message 0", "message 1");
    trial.ackAll(diverted);
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }

  /** Work whose deadline has passed does not run; it dies of that. */
  @Test
  @WhenOffered(Ability.DEAD_LETTERS)
  default void W5_lateWork_isNotRunAndDeadLettered(Trial trial) {
    WorkQueue queue = trial.open();
    expire(trial, queue, Expiry.deadLetter());
    Delivery dead = trial.take(trial.openDeadLetters());
    assertThat(dead.message().text()).isEqualTo("late");
    assertThat(dead.deadLetter().orElseThrow().cause().type()).isEqualTo(DeadLetterCause.EXPIRED);
    trial.ack(dead);
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }

  /** Work whose deadline has passed does not run; who wanted to know is told, and it is gone. */
  @Test
  default void W5_lateWork_isNotRunAndTold(Trial trial) {
    WorkQueue queue = trial.open();
    List<String> told = new CopyOnWriteArrayList<>();
    expire(
        trial,
        queue,
        Expiry.call(delivery -> told.add(delivery.message().text() + " " + delivery.attempt())));
    assertThat(told).containsExactly("late 1");
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }

  private static void expire(Trial trial, WorkQueue queue, Expiry destination) {
    trial.enqueueMany(
        queue,
        3,
        i ->
            i == 0
                ? Message.text("late").deadline(Duration.ofMillis(50))
                : i == 1
                    ? Message.text("in time").deadline(Duration.ofHours(1))
                    : Message.text("at any time"));
    trial.timing().pass(Duration.ofMillis(100));
    Runs runs = new Runs();
    Worker worker =
        trial.start(
            Worker.builder(queue)
                .slots(2)
                .expired(destination)
                .deciding(runs.handler((delivery, run, context) -> Outcome.ack())));
    assertThat(
            Runs.goOn(
                trial,
                queue,
                worker,
                () -> worker.stats().expired() >= 1 && worker.stats().handled() >= 2))
        .as("one expires, the others are handled; so far: %s", worker.stats())
        .isTrue();
    trial.stopWorkers();
    assertThat(runs.toString()).isEqualTo("{at any time=[1], in time=[1]}");
    assertThat(worker.stats().expired()).isEqualTo(1);
  }

  /**
   * Behind a closed gate nothing starts, whether received before or not, and all of it runs once
   * the gate is open, with no attempt burnt where the backend can.
   */
  @Test
  default void W6_closedGate_startsNothingAndBurnsNoAttempt(Trial trial) {
    WorkQueue queue = trial.open();
    Gate gate = Gate.closed();
    CountDownLatch end = new CountDownLatch(1);
    Runs runs = new Runs();
    Worker worker =
        trial.start(
            Worker.builder(queue)
                .slots(1)
                .prefetch(2)
                .gate(gate)
                .deciding(
                    runs.handler(
                        (delivery, run, context) -> {
                          end.await();
                          return Outcome.ack();
                        })));
    trial.enqueueMany(queue, 3);
    trial.timing().pass(Duration.ofMillis(500));
    assertThat(runs.begun()).as("runs behind a gate that was never open").isZero();
    gate.open();
    assertThat(
            Runs.goOn(
                trial, queue, worker, () -> runs.begun() == 1 && worker.stats().running() == 3))
        .as("one runs and two wait; so far: %s", worker.stats())
        .isTrue();
    worker.pause();
    end.countDown();
    assertThat(Runs.goOn(trial, queue, worker, () -> worker.stats().handled() == 1))
        .as("the one that runs ends")
        .isTrue();
    trial.timing().pass(Duration.ofMillis(500));
    assertThat(runs.begun()).as("runs begun before the pause").isEqualTo(1);
    worker.resume();
    assertThat(Runs.goOn(trial, queue, worker, () -> runs.ended() >= 3))
        .as("all run; so far: %s", runs)
        .isTrue();
    trial.stopWorkers();
    for (int i = 0; i < 3; i++) {
      List<Integer> attempts = runs.of("message " + i);
      assertThat(attempts).as("runs of message %s", i).hasSize(1);
      if (trial.offers(Ability.FREE_RETURNS)) {
        assertThat(attempts).as("attempts of message %s", i).containsExactly(1);
      }
    }
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }
}
