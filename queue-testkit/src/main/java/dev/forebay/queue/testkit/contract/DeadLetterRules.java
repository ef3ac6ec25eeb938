package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** D1, D2: where messages go that nobody can handle. */
public interface DeadLetterRules {

  /** A dead letter is in the dead letters, once, and nowhere else, whatever time passes. */
  @Test
  @WhenOffered(Ability.DEAD_LETTERS)
  default void D1_deadLetter_isInExactlyOnePlace(Trial trial) {
    trial.useShortLease();
    WorkQueue queue = trial.open();
    trial.enqueueMany(queue, 12);
    List<String> dead = new ArrayList<>();
    while (dead.size() < 12) {
      List<CompletableFuture<Settlement>> settlements = new ArrayList<>();
      List<Delivery> some = trial.arrivals(List.of(queue), 4, trial.late(trial.timing().arrival()));
      assertThat(some).as("deliveries, after %s of 12", dead.size()).isNotEmpty();
      for (Delivery delivery : some) {
        dead.add(delivery.id());
        settlements.add(delivery.deadLetter(new DeadLetterCause("Test", "one place")));
      }
      settlements.forEach(each -> assertThat(trial.get(each)).isEqualTo(Settlement.OK));
    }
    WorkQueue deadLetters = trial.openDeadLetters();
    List<Delivery> letters = new ArrayList<>();
    while (letters.size() < 12) {
      Delivery letter = trial.take(deadLetters);
      trial.ack(letter);
      letters.add(letter);
    }
    assertThat(letters).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(dead);
    trial.nothingArrives(queue, trial.quiet());
    trial.nothingArrives(deadLetters, Duration.ofMillis(500));
  }

  /** Dead-lettering that nobody waited for is finished by close. */
  @Test
  @WhenOffered(Ability.DEAD_LETTERS)
  default void D1_deadLetteringAtClose_losesNothing(Trial trial) {
    WorkQueue queue = trial.open();
    List<String> ids = trial.enqueueMany(queue, 15);
    List<CompletableFuture<Settlement>> settlements = new ArrayList<>();
    for (Delivery delivery : trial.take(queue, 15)) {
      settlements.add(delivery.deadLetter(new DeadLetterCause("Test", "close")));
    }
    trial.close(queue);
    assertThat(settlements).allMatch(CompletableFuture::isDone);
    assertThat(settlements).extracting(CompletableFuture::join).containsOnly(Settlement.OK);
    List<Delivery> letters = trial.take(trial.openDeadLetters(), 15);
    assertThat(letters).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(ids);
    trial.ackAll(letters);
  }

  /** Without a destination there is an error, and the lease stays as it was. */
  @Test
  default void D1_withoutDestination_deadLetteringIsRefused(Trial trial) {
    trial.use(trial.settings().withoutDeadLetters());
    WorkQueue queue = trial.open();
    assertThat(trial.capabilities().deadLetters()).isFalse();
    trial.enqueue(queue, Message.text("stays"));
    Delivery delivery = trial.take(queue);
    assertThatThrownBy(() -> delivery.deadLetter(new DeadLetterCause("Test", "")))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNSUPPORTED));
    assertThat(delivery.isLost()).isFalse();
    assertThat(trial.get(delivery.extend(trial.lease()))).isEqualTo(Settlement.OK);
    trial.ack(delivery);
  }

  /** Cause, attempts, times, origin; and the message as it was. */
  @Test
  @WhenOffered(Ability.DEAD_LETTERS)
  default void D2_deadLetter_saysWhatHappened(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    Message message =
        Message.text("dies").key("k-1").dedupId("d-1").type("summarise").header("trace", "42");
    String id = trial.enqueue(queue, message);
    Delivery first = trial.take(queue);
    assertThat(trial.get(first.release())).isEqualTo(Settlement.OK);
    trial.take(queue);
    trial.timing().pass(lease);
    Instant before = trial.timing().source().now();
    Delivery last = trial.take(queue);
    Instant after = trial.timing().source().now();
    DeadLetterCause cause = DeadLetterCause.of(new IllegalStateException("out of memory"));
    assertThat(trial.get(last.deadLetter(cause))).isEqualTo(Settlement.OK);

    Delivery dead = trial.take(trial.openDeadLetters());
    assertThat(dead.id()).isEqualTo(id);
    assertThat(dead.message()).isEqualTo(message);
    assertThat(dead.enqueuedAt()).isEqualTo(first.enqueuedAt());
    DeadLetter letter = dead.deadLetter().orElseThrow();
    assertThat(letter.cause()).isEqualTo(cause);
    assertThat(letter.cause().type()).isEqualTo("IllegalStateException");
    assertThat(letter.cause().message()).isEqualTo("out of memory");
    assertThat(letter.origin()).isEqualTo(queue.name());
    assertThat(letter.attempts().failed()).as("one release and the last").isEqualTo(2);
    assertThat(letter.attempts().leaseLost()).isEqualTo(1);
    assertThat(letter.lastDelivered())
        .isBetween(
            before.minus(lease).minus(trial.timing().granularity()),
            after.plus(trial.timing().granularity()));
    assertThat(dead.attempt()).isEqualTo(1);
    trial.ack(dead);
  }

  /** A cause of any text is carried, cleaned and cut to its limit. */
  @Test
  @WhenOffered(Ability.DEAD_LETTERS)
  default void D2_hostileCause_isCarried(Trial trial) {
    WorkQueue queue = trial.open();
    List<DeadLetterCause> causes =
        List.of(
            new DeadLetterCause("Line\r\nBreak", "\u0000 &=%+ \uD83D <![CDATA[ \uFFFE"),
            new DeadLetterCause("T".repeat(500), "漢\uD83D\uDE80".repeat(1000)),
            new DeadLetterCause("", ""));
    trial.enqueueMany(queue, causes.size());
    List<Delivery> held = trial.take(queue, causes.size());
    for (int i = 0; i < held.size(); i++) {
      assertThat(trial.get(held.get(i).deadLetter(causes.get(i)))).isEqualTo(Settlement.OK);
    }
    List<Delivery> dead = trial.take(trial.openDeadLetters(), causes.size());
    assertThat(dead)
        .extracting(delivery -> delivery.deadLetter().orElseThrow().cause())
        .containsExactlyInAnyOrderElementsOf(causes);
    trial.ackAll(dead);
  }

  /** Looking at a dead letter and giving it back leaves what it says as it is. */
  @Test
  @WhenOffered(Ability.DEAD_LETTERS)
  default void D2_deadLetter_keepsItsCauseWhenItIsGivenBack(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("dies").header("h", "v"));
    DeadLetterCause cause = new DeadLetterCause("Test", "kept");
    assertThat(trial.get(trial.take(queue).deadLetter(cause))).isEqualTo(Settlement.OK);
    WorkQueue deadLetters = trial.openDeadLetters();
    Delivery first = trial.take(deadLetters);
    assertThat(trial.get(first.giveBack())).isEqualTo(Settlement.OK);
    Delivery second = trial.take(deadLetters);
    assertThat(second.id()).isEqualTo(first.id());
    assertThat(second.message()).isEqualTo(first.message());
    assertThat(second.deadLetter()).isEqualTo(first.deadLetter());
    assertThat(second.deadLetter().orElseThrow().cause()).isEqualTo(cause);
    trial.ack(second);
  }
}
