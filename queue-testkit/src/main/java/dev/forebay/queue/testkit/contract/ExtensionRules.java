package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** L3: a lease can be extended, as often as wanted. */
public interface ExtensionRules {

  /** Work ten times as long as its lease runs once, while another process waits for work. */
  @Test
  default void L3_extend_beyondTenLeases_isNotRedelivered(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    WorkQueue other = trial.open();
    trial.enqueueMany(queue, 2);
    List<Delivery> held = trial.take(queue, 2);
    long began = trial.timing().nanoTime();
    while (trial.timing().since(began).compareTo(lease.multipliedBy(10)) < 0) {
      extendAll(trial, held, lease);
      trial.nothingArrives(other, lease.dividedBy(8));
      trial.nothingArrives(queue, lease.dividedBy(8));
    }
    assertThat(held).noneMatch(Delivery::isLost);
    trial.ackAll(held);
    assertThat(trial.arrivals(List.of(queue, other), 10, trial.quiet())).isEmpty();
  }

  /** The new deadline counts from now, not from the old one. */
  @Test
  default void L3_extend_movesTheDeadlineToNowPlusTheLease(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("extended"));
    Delivery delivery = trial.take(queue);
    for (int i = 0; i < 3; i++) {
      trial.timing().pass(lease.dividedBy(4));
      long before = trial.timing().nanoTime();
      assertThat(trial.get(delivery.extend(lease))).isEqualTo(Settlement.OK);
      Duration left = delivery.leaseRemaining();
      long after = trial.timing().nanoTime();
      assertThat(left)
          .as("lease left after an extension by %s", lease)
          .isLessThanOrEqualTo(lease)
          .isGreaterThanOrEqualTo(
              lease.minusNanos(after - before).minus(trial.timing().granularity()));
      assertThat(delivery.leaseUntil())
          .isAfter(trial.timing().source().now().minus(trial.timing().granularity()));
    }
    trial.ack(delivery);
  }

  /** When extensions stop, the message is back after the last deadline, neither early nor late. */
  @Test
  default void L3_extensionsThatStop_letTheMessageComeBack(Trial trial) {
    Duration lease = trial.useShortLease();
    assertComesBackAfter(trial, lease, lease);
  }

  /** A longer extension holds for as long as it says. */
  @Test
  @WhenOffered(Ability.LONGER_LEASES)
  default void L3_longerExtension_holdsForItsWholeTime(Trial trial) {
    Duration lease = trial.useShortLease();
    assertComesBackAfter(trial, lease, lease.multipliedBy(2));
  }

  /** A shorter extension ends the lease sooner than it would have. */
  @Test
  @WhenOffered(Ability.SHORTER_LEASES)
  default void L3_shorterExtension_endsSooner(Trial trial) {
    trial.useShortLease();
    Duration shorter = trial.lease();
    trial.use(trial.settings().withLease(trial.harness().longLease()));
    assertComesBackAfter(trial, trial.harness().longLease(), shorter);
  }

  private static void assertComesBackAfter(Trial trial, Duration lease, Duration extension) {
    WorkQueue queue = trial.open();
    WorkQueue other = trial.open();
    trial.enqueue(queue, Message.text("extended"));
    Delivery delivery = trial.take(queue);
    trial.timing().pass(min(lease.dividedBy(2), Duration.ofSeconds(2)));
    assertThat(trial.get(delivery.extend(extension))).isEqualTo(Settlement.OK);
    Timing timing = trial.timing();
    long ends = timing.nanoTime() + delivery.leaseRemaining().toNanos();
    Taken taken = trial.takeWithin(other, trial.late(extension)).orElseThrow();
    assertThat(Duration.ofNanos(taken.endedNanos() - ends))
        .as("after the end of the extended lease")
        .isGreaterThanOrEqualTo(timing.granularity().negated());
    assertThat(Duration.ofNanos(taken.beganNanos() - ends))
        .as("within the declared lateness")
        .isLessThanOrEqualTo(trial.late(Duration.ZERO));
    assertThat(taken.delivery().attempt()).isEqualTo(2);
    assertThat(delivery.isLost()).isTrue();
    trial.ack(taken.delivery());
  }

  private static Duration min(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }

  /** An extension outside the declared bounds is refused, and the lease stays as it was. */
  @Test
  default void L3_extensionOutsideTheBounds_isRefused(Trial trial) {
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("held"));
    Delivery delivery = trial.take(queue);
    Duration before = delivery.leaseRemaining();
    for (Duration bad :
        List.of(
            trial.capabilities().minLease().minusNanos(1),
            trial.capabilities().maxLease().plusNanos(1),
            Duration.ZERO,
            Duration.ofSeconds(-1))) {
      assertThatThrownBy(() -> delivery.extend(bad))
          .as("an extension by %s", bad)
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(delivery.leaseRemaining()).isLessThanOrEqualTo(before);
    assertThat(delivery.isLost()).isFalse();
    trial.ack(delivery);
  }

  /** A settled or lost delivery cannot be extended, and says so. */
  @Test
  default void L3_extensionTooLate_isStaleAndChangesNothing(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    trial.enqueueMany(queue, 2);
    Delivery settled = trial.take(queue);
    trial.ack(settled);
    assertThat(trial.get(settled.extend(lease))).isEqualTo(Settlement.STALE);
    Delivery lost = trial.take(queue);
    trial.timing().pass(lease.plus(trial.timing().granularity()));
    assertThat(trial.get(lost.extend(lease))).isEqualTo(Settlement.STALE);
    assertThat(lost.isLost()).isTrue();
    Taken back = trial.takeWithin(queue, trial.late(Duration.ZERO)).orElseThrow();
    assertThat(back.delivery().id()).isEqualTo(lost.id());
    assertThat(trial.get(lost.extend(lease))).isEqualTo(Settlement.STALE);
    trial.ack(back.delivery());
    trial.nothingArrives(queue, trial.quiet());
  }

  /** Many extensions at once, as a worker sends them, each hold. */
  @Test
  default void L3_manyExtensionsAtOnce_allHold(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    WorkQueue other = trial.open();
    trial.enqueueMany(queue, 25);
    List<Delivery> held = new ArrayList<>();
    long lastArrival = trial.timing().nanoTime();
    while (held.size() < 25) {
      // What it takes to get them all may be longer than one lease.
      List<Delivery> some = trial.arrivals(List.of(queue), 25 - held.size(), lease.dividedBy(4));
      if (!some.isEmpty()) {
        lastArrival = trial.timing().nanoTime();
      }
      assertThat(trial.timing().since(lastArrival))
          .as("since the last arrival, after %s of 25", held.size())
          .isLessThan(trial.late(trial.timing().arrival()));
      held.addAll(some);
      extendAll(trial, held, lease);
    }
    for (int round = 0; round < 5; round++) {
      trial.nothingArrives(other, lease.dividedBy(3));
      extendAll(trial, held, lease);
    }
    assertThat(held).extracting(Delivery::id).doesNotHaveDuplicates();
    trial.ackAll(held);
  }

  private static void extendAll(Trial trial, List<Delivery> held, Duration lease) {
    List<CompletableFuture<Settlement>> extensions =
        held.stream().map(delivery -> delivery.extend(lease)).toList();
    extensions.forEach(extension -> assertThat(trial.get(extension)).isEqualTo(Settlement.OK));
  }
}
