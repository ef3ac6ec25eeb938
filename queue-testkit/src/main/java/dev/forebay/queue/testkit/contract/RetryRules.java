package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** R1: what becomes of a released message; {@link AttemptRules} has R2, {@link FlowRules} R4. */
public interface RetryRules {

  /** Without a delay it is back at once, one attempt further, to whoever asks. */
  @Test
  default void R1_release_bringsTheMessageBackAtOnce(Trial trial) {
    WorkQueue queue = trial.open();
    WorkQueue other = trial.open();
    String id = trial.enqueue(queue, Message.text("fails"));
    Delivery delivery = trial.take(queue);
    for (WorkQueue next : List.of(queue, other)) {
      int attempt = delivery.attempt();
      assertThat(trial.get(delivery.release())).isEqualTo(Settlement.OK);
      assertThat(delivery.isLost()).isFalse();
      delivery = trial.take(next);
      assertThat(delivery.id()).isEqualTo(id);
      assertThat(delivery.attempt()).isEqualTo(attempt + 1);
    }
    trial.ack(delivery);
  }

  /** Several delays at once, each kept for itself: neither early nor late. */
  @Test
  @WhenOffered(Ability.RELEASE_DELAY)
  default void R1_releaseWithDelay_isNeitherEarlyNorLate(Trial trial) {
    WorkQueue queue = trial.open();
    Timing timing = trial.timing();
    List<Duration> delays =
        List.of(Duration.ofSeconds(3), Duration.ofMillis(300), Duration.ofMillis(1500));
    trial.enqueueMany(queue, delays.size());
    Map<String, Duration> delayOf = new HashMap<>();
    Map<String, Long> releasedAt = new HashMap<>();
    List<Delivery> held = trial.take(queue, delays.size());
    for (int i = 0; i < held.size(); i++) {
      Duration delay = atMost(trial, delays.get(i));
      delayOf.put(held.get(i).id(), delay);
      releasedAt.put(held.get(i).id(), timing.nanoTime());
      assertThat(trial.get(held.get(i).release(delay))).isEqualTo(Settlement.OK);
    }
    long released = timing.nanoTime();
    for (int i = 0; i < held.size(); i++) {
      Taken taken = trial.takeWithin(queue, trial.late(Duration.ofSeconds(3))).orElseThrow();
      String id = taken.delivery().id();
      Duration delay = Objects.requireNonNull(delayOf.remove(id), "came back twice");
      long since = Objects.requireNonNull(releasedAt.get(id));
      assertThat(Duration.ofNanos(taken.endedNanos() - since))
          .as("back after its delay of %s", delay)
          .isGreaterThanOrEqualTo(delay.minus(timing.granularity()));
      assertThat(Duration.ofNanos(taken.beganNanos() - released))
          .as("back in time after its delay of %s", delay)
          .isLessThanOrEqualTo(trial.late(delay));
      assertThat(taken.delivery().attempt()).isEqualTo(2);
      trial.ack(taken.delivery());
    }
  }

  /** A delay longer than the lease is no lost lease. */
  @Test
  @WhenOffered(Ability.RELEASE_DELAY)
  default void R1_delayLongerThanTheLease_isKept(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    Timing timing = trial.timing();
    Duration delay = atMost(trial, lease.multipliedBy(5).dividedBy(2));
    trial.enqueue(queue, Message.text("fails"));
    long began = timing.nanoTime();
    assertThat(trial.get(trial.take(queue).release(delay))).isEqualTo(Settlement.OK);
    Taken taken = trial.takeWithin(queue, trial.late(delay)).orElseThrow();
    assertThat(Duration.ofNanos(taken.endedNanos() - began))
        .isGreaterThanOrEqualTo(delay.minus(timing.granularity()));
    assertThat(taken.delivery().attempts().leaseLost()).isZero();
    assertThat(taken.delivery().attempt()).isEqualTo(2);
    trial.ack(taken.delivery());
    trial.nothingArrives(queue, trial.quiet());
  }

  /** A delay is the message's, not that of the object that released it. */
  @Test
  @WhenOffered(Ability.RELEASE_DELAY)
  default void R1_delay_outlivesTheObjectThatReleased(Trial trial) {
    Timing timing = trial.timing();
    WorkQueue first = trial.open();
    WorkQueue second = trial.open();
    Duration delay = atMost(trial, Duration.ofSeconds(4));
    String id = trial.enqueue(first, Message.text("fails"));
    Delivery delivery = trial.take(first);
    long began = timing.nanoTime();
    assertThat(trial.get(delivery.release(delay))).isEqualTo(Settlement.OK);
    trial.close(first);
    Taken taken = trial.takeWithin(second, trial.late(delay)).orElseThrow();
    assertThat(taken.delivery().id()).isEqualTo(id);
    assertThat(Duration.ofNanos(taken.endedNanos() - began))
        .as("not early because its object closed")
        .isGreaterThanOrEqualTo(delay.minus(timing.granularity()));
    trial.ack(taken.delivery());
  }

  /** A delay that is not offered is refused, and the lease stays as it was. */
  @Test
  default void R1_delayBeyondTheMaximum_isRefused(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("held"));
    Delivery delivery = trial.take(queue);
    Duration tooLong = trial.capabilities().maxReleaseDelay().plusMillis(1);
    assertThatThrownBy(() -> delivery.release(tooLong))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNSUPPORTED));
    assertThatThrownBy(() -> delivery.release(Duration.ofMillis(-1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(delivery.isLost()).isFalse();
    assertThat(trial.get(delivery.extend(trial.lease()))).isEqualTo(Settlement.OK);
    trial.ack(delivery);
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }

  private static Duration atMost(Trial trial, Duration wanted) {
    Duration max = trial.capabilities().maxReleaseDelay();
    return wanted.compareTo(max) < 0 ? wanted : max;
  }
}
