package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** A1, A2, A4: how a delivery is decided; {@link StaleRules} has A3. */
public interface SettleRules {

  /** The ways to settle a delivery. */
  enum Way {
    /** Done. */
    ACK,
    /** Failed, again at once. */
    RELEASE,
    /** Untouched, again at once. */
    GIVE_BACK,
    /** To the dead letters. */
    DEAD_LETTER;

    /** Settles in this way. */
    CompletableFuture<Settlement> settle(Delivery delivery) {
      return switch (this) {
        case ACK -> delivery.ack();
        case RELEASE -> delivery.release();
        case GIVE_BACK -> delivery.queue().release(delivery, Duration.ZERO, ReleaseCause.RETURNED);
        case DEAD_LETTER -> delivery.deadLetter(new DeadLetterCause("Test", "settled"));
      };
    }

    /** The ways that the backend offers. */
    static List<Way> of(Trial trial) {
      return trial.offers(Ability.DEAD_LETTERS)
          ? List.of(values())
          : List.of(ACK, RELEASE, GIVE_BACK);
    }
  }

  /** Every pair of settlements, one after the other: the first decides, the second is stale. */
  @Test
  default void A1_secondSettlement_isStaleAndChangesNothing(Trial trial) {
    WorkQueue queue = trial.open();
    List<Way> ways = Way.of(trial);
    List<Way[]> pairs = new ArrayList<>();
    ways.forEach(first -> ways.forEach(second -> pairs.add(new Way[] {first, second})));
    trial.enqueueMany(queue, pairs.size());
    Map<String, Way> decided = new HashMap<>();
    List<Delivery> held = trial.take(queue, pairs.size());
    for (int i = 0; i < held.size(); i++) {
      Delivery delivery = held.get(i);
      Way first = pairs.get(i)[0];
      Way second = pairs.get(i)[1];
      assertThat(trial.get(first.settle(delivery))).as("%s", first).isEqualTo(Settlement.OK);
      assertThat(trial.get(second.settle(delivery)))
          .as("%s after %s", second, first)
          .isEqualTo(Settlement.STALE);
      assertThat(trial.get(delivery.extend(trial.lease())))
          .as("extension after %s", first)
          .isEqualTo(Settlement.STALE);
      assertThat(delivery.isLost()).as("lost after %s", first).isFalse();
      decided.put(delivery.id(), first);
    }
    assertOutcome(trial, queue, decided);
  }

  /** Settled from many threads at once: one of them decides. */
  @Test
  default void A1_concurrentSettlements_oneDecides(Trial trial) {
    WorkQueue queue = trial.open();
    List<Way> ways = Way.of(trial);
    trial.enqueueMany(queue, 10);
    Map<String, Way> decided = new HashMap<>();
    for (Delivery delivery : trial.take(queue, 10)) {
      CountDownLatch go = new CountDownLatch(1);
      List<Way> tried = new ArrayList<>();
      List<Background<Settlement>> rivals = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        Way way = ways.get(i % ways.size());
        tried.add(way);
        rivals.add(
            Background.start(
                trial.timing(),
                "rival",
                () -> {
                  go.await();
                  return way.settle(delivery).join();
                }));
      }
      go.countDown();
      for (int i = 0; i < rivals.size(); i++) {
        Settlement result = rivals.get(i).result();
        assertThat(result).isIn(Settlement.OK, Settlement.STALE);
        if (result == Settlement.OK) {
          assertThat(decided.put(delivery.id(), tried.get(i)))
              .as("another settlement that decided %s", delivery)
              .isNull();
        }
      }
    }
    assertThat(decided).as("decided deliveries").hasSize(10);
    assertOutcome(trial, queue, decided);
  }

  /** Looks where each message is after it was settled, and that it is nowhere else. */
  private static void assertOutcome(Trial trial, WorkQueue queue, Map<String, Way> decided) {
    List<String> back = new ArrayList<>();
    List<String> dead = new ArrayList<>();
    decided.forEach(
        (id, way) -> {
          if (way == Way.RELEASE || way == Way.GIVE_BACK) {
            back.add(id);
          } else if (way == Way.DEAD_LETTER) {
            dead.add(id);
          }
        });
    List<Delivery> again = trial.take(queue, back.size());
    assertThat(again).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(back);
    trial.ackAll(again);
    trial.nothingArrives(queue, Duration.ofMillis(500));
    if (trial.offers(Ability.DEAD_LETTERS)) {
      WorkQueue deadLetters = trial.openDeadLetters();
      List<Delivery> letters = trial.take(deadLetters, dead.size());
      assertThat(letters).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(dead);
      trial.ackAll(letters);
      trial.nothingArrives(deadLetters, Duration.ofMillis(500));
    }
  }

  /** Acked on whichever attempt, by whichever object: never again, not even after a restart. */
  @Test
  default void A2_ackedMessage_isNeverDeliveredAgain(Trial trial) {
    trial.useShortLease();
    WorkQueue one = trial.open();
    WorkQueue two = trial.open();
    trial.enqueueMany(one, 10);
    List<Delivery> acked = new ArrayList<>();
    int released = 0;
    while (acked.size() < 10) {
      Delivery delivery = trial.take(List.of(one, two), 1).get(0);
      if (delivery.attempt() == 1 && delivery.id().hashCode() % 2 == 0) {
        assertThat(trial.get(delivery.release())).isEqualTo(Settlement.OK);
        released++;
        assertThat(released).as("first attempts of ten messages").isLessThanOrEqualTo(10);
      } else {
        trial.ack(delivery);
        acked.add(delivery);
      }
    }
    assertThat(acked).extracting(Delivery::id).doesNotHaveDuplicates();
    assertThat(trial.arrivals(List.of(one, two), 10, trial.quiet())).isEmpty();
    trial.close(one);
    trial.close(two);
    trial.nothingArrives(trial.open(), trial.quiet());
  }

  /** An ack after an extension still removes the message. */
  @Test
  default void A2_ackAfterExtension_isFinal(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("extended"));
    Delivery delivery = trial.take(queue);
    for (int i = 0; i < 3; i++) {
      trial.timing().pass(lease.dividedBy(3));
      assertThat(trial.get(delivery.extend(lease))).isEqualTo(Settlement.OK);
    }
    trial.ack(delivery);
    trial.nothingArrives(queue, trial.quiet());
  }

  /** Hundreds of acks that nobody waits for, then close: each is confirmed, nothing comes back. */
  @Test
  default void A4_acksInFlightAtClose_areNotLost(Trial trial) {
    trial.useShortLease();
    WorkQueue queue = trial.open();
    List<String> ids = trial.enqueueMany(queue, 300);
    Map<String, CompletableFuture<Settlement>> acks = new HashMap<>();
    while (acks.size() < 300) {
      List<Delivery> some =
          trial.arrivals(List.of(queue), 50, trial.late(trial.timing().arrival()));
      assertThat(some).as("deliveries after %s", acks.size()).isNotEmpty();
      some.forEach(delivery -> assertThat(acks.put(delivery.id(), delivery.ack())).isNull());
    }
    trial.close(queue);
    assertThat(acks.keySet()).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(acks.values()).as("acks after close").allMatch(CompletableFuture::isDone);
    assertThat(acks.values())
        .extracting(CompletableFuture::join)
        .as("settlements")
        .containsOnly(Settlement.OK);
    trial.nothingArrives(trial.open(), trial.quiet());
  }

  /** In one batch of acks, the stale ones are told apart and cost the others nothing. */
  @Test
  default void A4_staleEntries_doNotSpoilTheirBatch(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    trial.enqueueMany(queue, 10);
    List<Delivery> held = trial.take(queue, 4);
    trial.timing().pass(lease.plus(trial.timing().granularity()));
    List<Delivery> live = new ArrayList<>();
    List<CompletableFuture<Settlement>> acks = new ArrayList<>();
    // The four come back beside the six that were never handed out.
    while (live.size() < 10) {
      List<Delivery> some = trial.take(queue, 1);
      live.addAll(some);
      for (Delivery delivery : some) {
        acks.add(delivery.ack());
      }
      if (live.size() <= held.size()) {
        Delivery stale = held.get(live.size() - 1);
        assertThat(trial.get(stale.ack())).isEqualTo(Settlement.STALE);
      }
    }
    acks.forEach(ack -> assertThat(trial.get(ack)).isEqualTo(Settlement.OK));
    assertThat(live).extracting(Delivery::id).doesNotHaveDuplicates();
    trial.nothingArrives(queue, trial.quiet());
  }

  /** Every kind of settlement at once: each does what it says, and just for its own message. */
  @Test
  default void A4_mixedSettlementsAtOnce_eachHitTheirOwn(Trial trial) {
    WorkQueue queue = trial.open();
    List<Way> ways = Way.of(trial);
    trial.enqueueMany(queue, 40);
    List<Delivery> held = trial.take(queue, 40);
    Map<String, Way> decided = new HashMap<>();
    List<CompletableFuture<Settlement>> settlements = new ArrayList<>();
    for (int i = 0; i < held.size(); i++) {
      Way way = ways.get(i % ways.size());
      decided.put(held.get(i).id(), way);
      settlements.add(way.settle(held.get(i)));
    }
    settlements.forEach(each -> assertThat(trial.get(each)).isEqualTo(Settlement.OK));
    assertThat(decided).hasSize(40);
    assertOutcome(trial, queue, decided);
  }
}
