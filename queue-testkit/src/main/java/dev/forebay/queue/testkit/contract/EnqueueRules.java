package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;

/** E1, E2, E4, E5: what an enqueue promises; {@link ContentRules} has E3. */
public interface EnqueueRules {

  /** What was stored does not depend on the object that stored it. */
  @Test
  default void E1_enqueued_outlivesTheObjectThatStoredIt(Trial trial) {
    WorkQueue producer = trial.open();
    List<String> ids = trial.enqueueMany(producer, 20);
    trial.close(producer);
    List<Delivery> taken = trial.take(trial.open(), 20);
    assertThat(taken).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(ids);
    trial.ackAll(taken);
  }

  /** Whoever ignores the future does not lose the message to close(). */
  @Test
  default void E1_enqueueNobodyWaitedFor_isFinishedByClose(Trial trial) {
    WorkQueue producer = trial.open();
    List<CompletableFuture<EnqueueOutcome>> outcomes = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      outcomes.add(producer.enqueue(Message.text("message " + i)));
    }
    trial.close(producer);
    assertThat(outcomes).as("outcomes after close").allMatch(CompletableFuture::isDone);
    List<String> ids = outcomes.stream().map(outcome -> outcome.join().orThrow()).toList();
    List<Delivery> taken = trial.take(trial.open(), 50);
    assertThat(taken).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(ids);
    trial.ackAll(taken);
  }

  /** An outcome's place in the list says which message it is about, over several requests. */
  @Test
  default void E2_outcomes_areInRequestOrder_withTheIdsOfTheDeliveries(Trial trial) {
    WorkQueue queue = trial.open();
    List<String> ids = trial.enqueueMany(queue, 35);
    assertThat(new HashSet<>(ids)).as("distinct ids").hasSize(35);
    Map<String, String> texts = new HashMap<>();
    List<Delivery> taken = trial.take(queue, 35);
    taken.forEach(delivery -> texts.put(delivery.id(), delivery.message().text()));
    for (int i = 0; i < ids.size(); i++) {
      assertThat(texts).containsEntry(ids.get(i), "message " + i);
    }
    trial.ackAll(taken);
  }

  /** What cannot be stored does not take its neighbours with it. */
  @Test
  default void E2_partialFailure_touchesJustItsEntries(Trial trial) {
    WorkQueue queue = trial.open();
    List<Message> messages = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      Message message = Message.text("message " + i);
      messages.add(i % 4 == 1 ? message.header("bad name", "x") : message);
    }
    List<EnqueueOutcome> outcomes = trial.get(queue.enqueueAll(messages));
    assertThat(outcomes).hasSize(12);
    for (int i = 0; i < 12; i++) {
      if (i % 4 == 1) {
        assertRefused(outcomes.get(i), ErrorCode.INVALID_MESSAGE, "outcome " + i);
      } else {
        assertThat(outcomes.get(i)).isInstanceOf(EnqueueOutcome.Enqueued.class);
      }
    }
    List<Delivery> taken = trial.take(queue, 9);
    assertThat(taken).extracting(delivery -> delivery.message().headers()).allMatch(Map::isEmpty);
    trial.ackAll(taken);
    trial.nothingArrives(queue, Duration.ofMillis(300));
  }

  /** Nothing to do is no error. */
  @Test
  default void E2_emptyList_givesNoOutcomes(Trial trial) {
    assertThat(trial.get(trial.open().enqueueAll(List.of()))).isEmpty();
  }

  /** A closed queue says so, in the outcome and not by an exception, and stores nothing. */
  @Test
  default void E2_afterClose_failsAsClosed(Trial trial) {
    WorkQueue queue = trial.open();
    trial.close(queue);
    assertRefused(trial.get(queue.enqueue(Message.text("late"))), ErrorCode.CLOSED, "enqueue");
    List<EnqueueOutcome> all =
        trial.get(queue.enqueueAll(List.of(Message.text("late 1"), Message.text("late 2"))));
    assertThat(all).hasSize(2);
    all.forEach(outcome -> assertRefused(outcome, ErrorCode.CLOSED, "enqueueAll"));
    trial.nothingArrives(trial.open(), Duration.ofMillis(300));
  }

  /** Several delays at once: each is kept for itself. */
  @Test
  @WhenOffered(Ability.ENQUEUE_DELAY)
  default void E4_delayed_isNeitherEarlyNorLate(Trial trial) {
    WorkQueue queue = trial.open();
    Timing timing = trial.timing();
    Map<String, Duration> delays = new HashMap<>();
    long began = timing.nanoTime();
    for (int seconds : new int[] {3, 1, 2}) {
      Duration delay = Duration.ofSeconds(seconds);
      delays.put(trial.enqueue(queue, Message.text("in " + delay).delay(delay)), delay);
    }
    long stored = timing.nanoTime();
    for (int i = 0; i < 3; i++) {
      Taken taken = trial.takeWithin(queue, trial.late(Duration.ofSeconds(3))).orElseThrow();
      Duration delay =
          Objects.requireNonNull(delays.remove(taken.delivery().id()), "delivered once");
      assertThat(Duration.ofNanos(taken.endedNanos() - began))
          .as("delivered after its delay of %s", delay)
          .isGreaterThanOrEqualTo(delay.minus(timing.granularity()));
      assertThat(Duration.ofNanos(taken.beganNanos() - stored))
          .as("delivered in time after its delay of %s", delay)
          .isLessThanOrEqualTo(trial.late(delay));
      assertThat(taken.delivery().attempt()).isEqualTo(1);
      assertThat(taken.delivery().message().delay()).isEqualTo(Duration.ZERO);
      trial.ack(taken.delivery());
    }
  }

  /** A delay is the message's, not the process's. */
  @Test
  @WhenOffered(Ability.ENQUEUE_DELAY)
  default void E4_delay_outlivesTheObjectThatStoredIt(Trial trial) {
    WorkQueue producer = trial.open();
    Timing timing = trial.timing();
    Duration delay = Duration.ofSeconds(3);
    long began = timing.nanoTime();
    trial.enqueue(producer, Message.text("later").delay(delay));
    trial.close(producer);
    Taken taken = trial.takeWithin(trial.open(), trial.late(delay)).orElseThrow();
    assertThat(Duration.ofNanos(taken.endedNanos() - began))
        .isGreaterThanOrEqualTo(delay.minus(timing.granularity()));
    trial.ack(taken.delivery());
  }

  /** The declared maximum is offered, one second more is refused and nothing is stored. */
  @Test
  default void E4_delayBeyondTheMaximum_isRefused(Trial trial) {
    WorkQueue queue = trial.open();
    Duration tooLong = trial.capabilities().maxEnqueueDelay().plusSeconds(1);
    EnqueueOutcome outcome = trial.get(queue.enqueue(Message.text("never").delay(tooLong)));
    assertRefused(outcome, ErrorCode.UNSUPPORTED, "a delay of " + tooLong);
    trial.nothingArrives(queue, Duration.ofMillis(1500));
  }

  /** Without delays at enqueue, one is refused; nothing is delivered at once instead. */
  @Test
  @WhenAbsent(Ability.ENQUEUE_DELAY)
  default void E4_delay_isRefusedWhereAbsent(Trial trial) {
    WorkQueue queue = trial.open();
    EnqueueOutcome outcome =
        trial.get(queue.enqueue(Message.text("never").delay(Duration.ofMillis(1))));
    assertRefused(outcome, ErrorCode.UNSUPPORTED, "a delay where none is offered");
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }

  /** Single enqueues of many threads are all stored, each once. */
  @Test
  default void E5_manySingleEnqueues_areEachStoredOnce(Trial trial) {
    WorkQueue queue = trial.open();
    List<Background<List<String>>> producers = new ArrayList<>();
    for (int p = 0; p < 8; p++) {
      int producer = p;
      producers.add(
          Background.start(
              trial.timing(),
              "producer",
              () -> {
                List<CompletableFuture<EnqueueOutcome>> outcomes = new ArrayList<>();
                for (int i = 0; i < 25; i++) {
                  outcomes.add(queue.enqueue(Message.text(producer + "/" + i)));
                }
                return outcomes.stream().map(outcome -> outcome.join().orThrow()).toList();
              }));
    }
    List<String> ids = new ArrayList<>();
    producers.forEach(producer -> ids.addAll(producer.result()));
    List<Delivery> taken = trial.take(queue, 200);
    assertThat(taken).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(ids);
    trial.ackAll(taken);
  }

  /** A lone enqueue is not held back until a batch is full. */
  @Test
  default void E5_loneEnqueue_isNotHeldBack(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("warm-up"));
    long began = trial.timing().nanoTime();
    CompletableFuture<EnqueueOutcome> outcome = queue.enqueue(Message.text("alone"));
    Duration bound = Duration.ofMillis(5).plus(trial.timing().tolerance());
    assertThat(trial.timing().await(bound, outcome::isDone, () -> true))
        .as("done within %s", bound)
        .isTrue();
    assertThat(outcome.join()).isInstanceOf(EnqueueOutcome.Enqueued.class);
    assertThat(trial.timing().since(began)).isLessThan(bound.plusMillis(500));
  }

  /** Single enqueues that come together travel together. */
  @Test
  @WhenOffered(Ability.REQUEST_COUNT)
  default void E5_enqueuesThatComeTogether_travelTogether(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("warm-up"));
    LongSupplier requests = trial.harness().enqueueRequests(trial.name()).orElseThrow();
    long before = requests.getAsLong();
    List<CompletableFuture<EnqueueOutcome>> outcomes = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      outcomes.add(queue.enqueue(Message.text("message " + i)));
    }
    outcomes.forEach(outcome -> trial.get(outcome).orThrow());
    // Half full on average is what a stalling machine may leave of full batches.
    long batch = Math.min(100, trial.capabilities().enqueueBatch());
    assertThat(requests.getAsLong() - before)
        .as("requests for 100 messages in batches of up to %s", batch)
        .isLessThanOrEqualTo(Math.max(2, 2 * 100 / batch));
  }

  private static void assertRefused(EnqueueOutcome outcome, ErrorCode code, String what) {
    ContentRules.assertRefused(outcome, code, what);
  }
}
