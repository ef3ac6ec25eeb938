package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** P3, P4, P5: what is handed out, and what is not. */
public interface DeliveryRules {

  /** Message, attempt, first-enqueued time, lease deadline. */
  @Test
  default void P3_delivery_saysWhatItIs(Trial trial) {
    WorkQueue queue = trial.open();
    Instant before = trial.timing().source().now().truncatedTo(ChronoUnit.MILLIS);
    String id = trial.enqueue(queue, Message.text("work").header("h", "v").type("t"));
    Instant after = trial.timing().source().now();
    Delivery delivery = trial.take(queue);
    Instant taken = trial.timing().source().now();
    assertThat(delivery.queue()).isSameAs(queue);
    assertThat(delivery.id()).isEqualTo(id).isNotEmpty();
    assertThat(delivery.message()).isEqualTo(Message.text("work").header("h", "v").type("t"));
    assertThat(delivery.attempt()).isEqualTo(1);
    assertThat(delivery.attempts()).isEqualTo(Attempts.NONE);
    assertThat(delivery.enqueuedAt())
        .isBetween(
            before.minus(trial.timing().granularity()), after.plus(trial.timing().granularity()));
    assertThat(delivery.leaseRemaining())
        .isBetween(trial.lease().dividedBy(2).minus(trial.timing().tolerance()), trial.lease());
    assertThat(delivery.leaseUntil())
        .isAfter(taken)
        .isBeforeOrEqualTo(taken.plus(trial.lease()).plus(trial.timing().granularity()));
    assertThat(delivery.isLost()).isFalse();
    assertThat(delivery.deadLetter()).isEmpty();
    assertThat(delivery.toString()).as("for logs: no body").doesNotContain("work");
    trial.ack(delivery);
    assertThat(delivery.leaseRemaining()).isEqualTo(Duration.ZERO);
  }

  /** Message age stays true however often a message is retried. */
  @Test
  default void P3_enqueuedAt_isUnchangedByRetries(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("retried"));
    Delivery first = trial.take(queue);
    Instant enqueuedAt = first.enqueuedAt();
    trial.timing().pass(Duration.ofMillis(50));
    assertThat(trial.get(first.release())).isEqualTo(Settlement.OK);
    Delivery second = trial.take(queue);
    assertThat(second.enqueuedAt()).isEqualTo(enqueuedAt);
    assertThat(second.attempt()).isEqualTo(2);
    trial.timing().pass(lease);
    Delivery third = trial.take(queue);
    assertThat(third.id()).isEqualTo(first.id());
    assertThat(third.enqueuedAt()).isEqualTo(enqueuedAt);
    assertThat(third.attempt()).isEqualTo(3);
    if (trial.offers(Ability.DEAD_LETTERS)) {
      assertThat(trial.get(third.deadLetter(new DeadLetterCause("Test", ""))))
          .isEqualTo(Settlement.OK);
      Delivery dead = trial.take(trial.openDeadLetters());
      assertThat(dead.enqueuedAt()).isEqualTo(enqueuedAt);
      assertThat(dead.attempt()).as("attempt in the queue of dead letters").isEqualTo(1);
      trial.ack(dead);
    } else {
      trial.ack(third);
    }
  }

  /** With a delay, the age still counts from the enqueue. */
  @Test
  @WhenOffered(Ability.ENQUEUE_DELAY)
  default void P3_enqueuedAt_ofADelayedMessage_isItsEnqueue(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("later").delay(Duration.ofSeconds(2)));
    Instant after = trial.timing().source().now();
    Delivery delivery = trial.take(queue);
    assertThat(delivery.enqueuedAt()).isBeforeOrEqualTo(after.plus(trial.timing().granularity()));
    trial.ack(delivery);
  }

  /** Whatever was received ahead while the caller did something else has not run out. */
  @Test
  default void P4_afterIdling_halfOfTheLeaseIsLeft(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    trial.enqueueMany(queue, 12);
    assertFresh(trial, trial.take(queue), lease);
    trial.timing().pass(lease.multipliedBy(3).dividedBy(4));
    for (int i = 0; i < 3; i++) {
      assertFresh(trial, trial.take(queue), lease);
    }
    trial.timing().pass(lease.multipliedBy(3).dividedBy(2));
    for (int i = 0; i < 8; i++) {
      assertFresh(trial, trial.take(queue), lease);
    }
  }

  private static void assertFresh(Trial trial, Delivery delivery, Duration lease) {
    assertThat(delivery.leaseRemaining().plus(trial.timing().granularity()))
        .as("lease left of %s", delivery)
        .isGreaterThanOrEqualTo(lease.dividedBy(2));
    assertThat(delivery.attempts().leaseLost())
        .as("leases of %s that ended before it was handed out", delivery)
        .isZero();
    trial.ack(delivery);
  }

  /** An object that takes nothing more does not sit on what others could do. */
  @Test
  default void P4_idleObject_leavesTheMessagesToOthers(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue idle = trial.open();
    trial.enqueueMany(idle, 20);
    trial.ack(trial.take(idle));
    WorkQueue busy = trial.open();
    long began = trial.timing().nanoTime();
    List<Delivery> taken = new ArrayList<>();
    while (taken.size() < 19) {
      Delivery delivery = trial.take(busy);
      taken.add(delivery);
      trial.ack(delivery);
    }
    assertThat(trial.timing().since(began))
        .isLessThan(trial.late(lease).plus(trial.timing().arrival()));
  }

  /** A poll that gave up does not swallow the message that comes a moment later. */
  @Test
  default void P4_pollThatEnded_swallowsNothing(Trial trial) {
    WorkQueue gaveUp = trial.open();
    WorkQueue other = trial.open();
    // Both are at work before, so that what follows is not about starting up.
    trial.enqueue(gaveUp, Message.text("warm-up"));
    trial.ack(trial.take(List.of(gaveUp, other), 1).get(0));
    assertThat(trial.takeWithin(other, Duration.ofMillis(100))).isEmpty();
    assertThat(trial.takeWithin(gaveUp, Duration.ofMillis(100))).isEmpty();
    trial.enqueue(other, Message.text("a moment later"));
    Taken taken =
        trial.takeWithin(other, trial.late(trial.timing().arrival().dividedBy(2))).orElseThrow();
    assertThat(taken.delivery().attempts().leaseLost()).isZero();
    trial.ack(taken.delivery());
  }

  /** A record nobody can read goes to the dead letters, and the queue goes on. */
  @Test
  @WhenOffered({Ability.RAW_RECORDS, Ability.DEAD_LETTERS})
  default void P5_undecodableRecord_isDeadLetteredAndBlocksNothing(Trial trial) {
    WorkQueue queue = trial.open();
    RawRecords raw = trial.harness().rawRecords().orElseThrow();
    trial.enqueueMany(queue, 3);
    raw.putUndecodable(trial.name());
    trial.enqueueMany(queue, 3);
    List<Delivery> taken = trial.take(queue, 6);
    assertThat(taken)
        .extracting(delivery -> delivery.message().text())
        .allMatch(text -> text.startsWith("message "));
    trial.ackAll(taken);
    trial.nothingArrives(queue, Duration.ofMillis(500));
    Delivery dead = trial.take(trial.openDeadLetters());
    assertThat(dead.deadLetter())
        .hasValueSatisfying(
            letter -> assertThat(letter.cause().type()).isEqualTo(DeadLetterCause.UNDECODABLE));
    trial.ack(dead);
  }

  /** A record of a producer without the library is work like any other. */
  @Test
  @WhenOffered(Ability.RAW_RECORDS)
  default void P5_foreignRecord_isDelivered(Trial trial) {
    WorkQueue queue = trial.open();
    Instant before = trial.timing().source().now();
    byte[] body = "from elsewhere".getBytes(StandardCharsets.UTF_8);
    trial.harness().rawRecords().orElseThrow().putForeign(trial.name(), body);
    Delivery first = trial.take(queue);
    assertThat(first.message().body()).isEqualTo(body);
    assertThat(first.id()).isNotEmpty();
    assertThat(first.attempt()).isEqualTo(1);
    assertThat(first.enqueuedAt())
        .isBetween(before.minusSeconds(5), trial.timing().source().now().plusSeconds(5));
    assertThat(trial.get(first.release())).isEqualTo(Settlement.OK);
    Delivery second = trial.take(queue);
    assertThat(second.id()).isEqualTo(first.id());
    assertThat(second.attempt()).isEqualTo(2);
    trial.ack(second);
  }
}
