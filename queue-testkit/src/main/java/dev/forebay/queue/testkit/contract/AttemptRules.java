package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** R2: attempts are kept by cause, and a return need not cost one. */
public interface AttemptRules {

  /** More returns than any delivery limit: still the first attempt. */
  @Test
  @WhenOffered(Ability.FREE_RETURNS)
  default void R2_return_burnsNoAttempt(Trial trial) {
    WorkQueue queue = trial.open();
    String id = trial.enqueue(queue, Message.text("returned"));
    for (int i = 0; i < 12; i++) {
      Delivery delivery = trial.take(queue);
      assertThat(delivery.id()).isEqualTo(id);
      assertThat(delivery.attempt()).as("attempt after %s returns", i).isEqualTo(1);
      assertThat(delivery.attempts().failed()).isZero();
      assertThat(delivery.attempts().leaseLost()).isZero();
      assertThat(trial.get(delivery.giveBack())).isEqualTo(Settlement.OK);
    }
    Delivery delivery = trial.take(queue);
    assertThat(delivery.attempt()).isEqualTo(1);
    trial.ack(delivery);
  }

  /** Where a return costs an attempt, it still loses nothing. */
  @Test
  @WhenAbsent(Ability.FREE_RETURNS)
  default void R2_return_whereItCounts_stillBringsTheMessageBack(Trial trial) {
    WorkQueue queue = trial.open();
    String id = trial.enqueue(queue, Message.text("returned"));
    assertThat(trial.get(trial.take(queue).giveBack())).isEqualTo(Settlement.OK);
    Delivery delivery = trial.take(queue);
    assertThat(delivery.id()).isEqualTo(id);
    assertThat(delivery.attempt()).isEqualTo(2);
    trial.ack(delivery);
  }

  /** The process that saw the earlier deliveries knows how each ended. */
  @Test
  default void R2_attempts_areKeptByCause(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("tried"));
    Delivery first = trial.take(queue);
    assertThat(first.attempts()).isEqualTo(Attempts.NONE);
    assertThat(trial.get(first.release())).isEqualTo(Settlement.OK);
    Delivery second = trial.take(queue);
    assertThat(second.attempts()).isEqualTo(new Attempts(1, 0, 0));
    trial.timing().pass(lease);
    Delivery third = trial.take(queue);
    assertThat(third.attempts()).isEqualTo(new Attempts(1, 1, 0));
    assertThat(third.attempt()).isEqualTo(3);
    assertThat(trial.get(third.giveBack())).isEqualTo(Settlement.OK);
    Delivery fourth = trial.take(queue);
    assertThat(fourth.attempts().failed()).isEqualTo(1);
    if (trial.offers(Ability.FREE_RETURNS)) {
      assertThat(fourth.attempts()).isEqualTo(new Attempts(1, 1, 1));
      assertThat(fourth.attempt()).isEqualTo(3);
    }
    trial.ack(fourth);
  }

  /** Another process knows it too. */
  @Test
  @WhenOffered(Ability.EXACT_ATTEMPTS)
  default void R2_causes_areKnownAcrossProcesses(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue one = trial.open();
    WorkQueue two = trial.open();
    trial.enqueue(one, Message.text("tried"));
    assertThat(trial.get(trial.take(one).release())).isEqualTo(Settlement.OK);
    assertThat(trial.get(trial.take(two).giveBack())).isEqualTo(Settlement.OK);
    trial.take(one);
    trial.timing().pass(lease);
    trial.close(one);
    Delivery delivery = trial.take(two);
    assertThat(delivery.attempts()).isEqualTo(new Attempts(1, 1, 1));
    trial.ack(delivery);
  }

  /** Another process knows at least how many there were. */
  @Test
  @WhenAbsent(Ability.EXACT_ATTEMPTS)
  default void R2_attempts_areCountedAcrossProcesses(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue one = trial.open();
    WorkQueue two = trial.open();
    trial.enqueue(one, Message.text("tried"));
    assertThat(trial.get(trial.take(one).release())).isEqualTo(Settlement.OK);
    trial.take(one);
    trial.timing().pass(lease);
    Delivery delivery = trial.take(two);
    Attempts attempts = delivery.attempts();
    assertThat(attempts.failed() + attempts.leaseLost() + attempts.returned())
        .as("earlier deliveries in another process: %s", attempts)
        .isEqualTo(2);
    assertThat(delivery.attempt()).isEqualTo(3);
    trial.ack(delivery);
  }
}
