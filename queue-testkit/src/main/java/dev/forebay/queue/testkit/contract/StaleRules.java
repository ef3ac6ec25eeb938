package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A1 and A3 where the lease is gone: whoever comes late is told so and disturbs nobody. */
public interface StaleRules {

  /** The end of the lease decides too: every settlement after it is stale, and changes nothing. */
  @Test
  default void A1_settlementAfterTheLease_isStale(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    List<SettleRules.Way> ways = SettleRules.Way.of(trial);
    List<String> ids = trial.enqueueMany(queue, ways.size());
    List<Delivery> lost = trial.take(queue, ways.size());
    trial.timing().pass(lease.plus(trial.timing().granularity()));
    for (int i = 0; i < lost.size(); i++) {
      assertThat(trial.get(ways.get(i).settle(lost.get(i))))
          .as("%s after the lease", ways.get(i))
          .isEqualTo(Settlement.STALE);
      assertThat(lost.get(i).isLost()).isTrue();
    }
    List<String> back = new ArrayList<>();
    while (back.size() < ids.size()) {
      Delivery delivery = trial.take(queue);
      assertThat(delivery.attempts().failed()).isZero();
      trial.ack(delivery);
      back.add(delivery.id());
    }
    assertThat(back).containsExactlyInAnyOrderElementsOf(ids);
    trial.nothingArrives(queue, trial.quiet());
    if (trial.offers(Ability.DEAD_LETTERS)) {
      trial.nothingArrives(trial.openDeadLetters(), Duration.ofMillis(500));
    }
  }

  /**
   * Whoever holds the message now keeps it, whatever its earlier holder in another process says.
   */
  @Test
  default void A3_staleSettlement_doesNotDisturbTheNewHolder(Trial trial) {
    trial.useShortLease();
    WorkQueue first = trial.open();
    assertNewHolderUndisturbed(trial, first, trial.open());
  }

  /** The same when it is the same object that got the message again. */
  @Test
  default void A3_staleSettlement_onTheSameObject_doesNotDisturbTheNewHolder(Trial trial) {
    trial.useShortLease();
    WorkQueue only = trial.open();
    assertNewHolderUndisturbed(trial, only, only);
  }

  private static void assertNewHolderUndisturbed(Trial trial, WorkQueue first, WorkQueue second) {
    Duration lease = trial.lease();
    Duration longer =
        trial.offers(Ability.LONGER_LEASES) ? trial.harness().longLease() : trial.lease();
    List<SettleRules.Way> ways = SettleRules.Way.of(trial);
    for (SettleRules.Way way : ways) {
      String id = trial.enqueue(first, Message.text("stale " + way));
      Delivery stale = trial.take(first);
      Delivery current = trial.take(second);
      assertThat(current.id()).isEqualTo(id);
      assertThat(trial.get(way.settle(stale))).as("stale %s", way).isEqualTo(Settlement.STALE);
      assertThat(trial.get(stale.extend(lease))).isEqualTo(Settlement.STALE);
      // Longer where that can be, so that a stalling machine does not cost the new holder its
      // lease.
      assertThat(trial.get(current.extend(longer))).isEqualTo(Settlement.OK);
      assertThat(trial.arrivals(List.of(first, second), 10, lease.dividedBy(2)))
          .as("while the new holder works")
          .isEmpty();
      assertThat(trial.get(way.settle(stale))).isEqualTo(Settlement.STALE);
      trial.ack(current);
    }
    assertThat(trial.arrivals(List.of(first, second), 10, trial.quiet())).isEmpty();
    if (trial.offers(Ability.DEAD_LETTERS)) {
      trial.nothingArrives(trial.openDeadLetters(), Duration.ofMillis(500));
    }
  }

  /** A stale ack does not remove the message: when the new holder fails, it is still there. */
  @Test
  default void A3_staleAck_doesNotRemoveTheMessage(Trial trial) {
    trial.useShortLease();
    WorkQueue first = trial.open();
    WorkQueue second = trial.open();
    String id = trial.enqueue(first, Message.text("still needed"));
    Delivery stale = trial.take(first);
    Delivery hangs = trial.take(second);
    assertThat(trial.get(stale.ack())).isEqualTo(Settlement.STALE);
    Delivery third = trial.take(second);
    assertThat(third.id()).isEqualTo(id);
    assertThat(hangs.isLost()).isTrue();
    assertThat(trial.get(third.release())).isEqualTo(Settlement.OK);
    assertThat(trial.get(stale.ack())).isEqualTo(Settlement.STALE);
    assertThat(trial.get(hangs.ack())).isEqualTo(Settlement.STALE);
    Delivery fourth = trial.take(first);
    assertThat(fourth.id()).isEqualTo(id);
    trial.ack(fourth);
    trial.nothingArrives(second, trial.quiet());
  }
}
