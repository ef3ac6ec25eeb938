package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * L1, L2, L4, L5: the exclusive, time-limited right to a delivery; {@link ExtensionRules} has L3.
 */
public interface LeaseRules {

  /** Two processes with four threads each, failing half of what they get, never hold one twice. */
  @Test
  default void L1_liveLease_isExclusive_acrossThreadsAndProcesses(Trial trial) {
    WorkQueue one = trial.open();
    WorkQueue two = trial.open();
    List<String> ids = trial.enqueueMany(one, 120);
    Drain drain =
        new Drain(
            trial,
            120,
            delivery ->
                delivery.attempt() == 1 && delivery.id().hashCode() % 2 == 0
                    ? Drain.Choice.RELEASE
                    : Drain.Choice.ACK);
    drain.start(one, 4);
    drain.start(two, 4);
    drain.finish();
    assertThat(drain.handled()).containsExactlyInAnyOrderElementsOf(ids);
  }

  /** While one process holds a message, neither it nor another one gets it again. */
  @Test
  default void L1_heldMessage_isDeliveredToNobodyElse(Trial trial) {
    WorkQueue holder = trial.open();
    WorkQueue other = trial.open();
    trial.enqueueMany(holder, 3);
    List<Delivery> held = trial.take(holder, 3);
    assertThat(trial.arrivals(List.of(holder, other), 10, Duration.ofSeconds(3))).isEmpty();
    assertThat(held).noneMatch(Delivery::isLost);
    trial.ackAll(held);
  }

  /** A hung handler: the message comes back, to the same object and to any other, in time. */
  @Test
  default void L2_hungHandler_itsMessageComesBackInTime(Trial trial) {
    trial.useShortLease();
    WorkQueue hung = trial.open();
    WorkQueue other = trial.open();
    trial.enqueue(hung, Message.text("hangs"));
    Delivery first = trial.take(hung);
    Delivery second = comesBack(trial, first, hung, 2);
    Delivery third = comesBack(trial, second, other, 3);
    trial.ack(third);
    trial.nothingArrives(hung, trial.quiet());
  }

  /** Many leases that end together all come back, each once. */
  @Test
  default void L2_manyLeasesThatEndTogether_allComeBackOnce(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    List<String> ids = trial.enqueueMany(queue, 15);
    // One at a time, so that a slow hand-out cannot let the first leases end meanwhile unnoticed.
    List<Delivery> first = trial.take(queue, 15);
    trial.timing().pass(lease);
    Map<String, Integer> attempts = new HashMap<>();
    List<String> acked = new ArrayList<>();
    while (acked.size() < 15) {
      Delivery delivery = trial.take(queue);
      attempts.merge(delivery.id(), 1, Integer::sum);
      if (trial.get(delivery.ack()) == Settlement.OK) {
        acked.add(delivery.id());
      }
    }
    assertThat(first).extracting(Delivery::id).isSubsetOf(ids);
    assertThat(acked).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(attempts.values()).as("hand-outs after the first").allMatch(count -> count == 1);
  }

  /** A dead process needs no more than its lease and the broker's failure detection. */
  @Test
  @WhenOffered(Ability.CRASH)
  default void L2_deadProcess_itsMessagesComeBackInTime(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue dying = trial.open();
    WorkQueue other = trial.open();
    List<String> ids = trial.enqueueMany(dying, 5);
    List<Delivery> held = trial.take(dying, 5);
    long died = trial.timing().nanoTime();
    trial.forget(dying);
    trial.harness().crash().orElseThrow().kill(dying);
    List<Delivery> taken = trial.take(other, 5);
    assertThat(trial.timing().since(died))
        .isLessThanOrEqualTo(trial.late(lease.plus(trial.capabilities().failureDetection())));
    assertThat(taken).extracting(Delivery::id).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(taken).allMatch(delivery -> delivery.attempt() == 2);
    trial.ackAll(taken);
    assertThat(held).hasSize(5);
  }

  /** The end of a lease is seen by the delivery, once by each listener, and by late listeners. */
  @Test
  default void L4_leaseThatEnds_isNoticed(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("lost"));
    Delivery delivery = trial.take(queue);
    AtomicInteger early = new AtomicInteger();
    AtomicInteger late = new AtomicInteger();
    delivery.onLost(early::incrementAndGet);
    delivery.onLost(early::incrementAndGet);
    assertThat(delivery.isLost()).isFalse();
    assertThat(early).as("listeners before the loss").hasValue(0);
    assertThat(trial.timing().until(trial.late(lease), () -> early.get() == 2))
        .as("both listeners ran in time")
        .isTrue();
    assertThat(delivery.isLost()).isTrue();
    assertThat(delivery.leaseRemaining()).isEqualTo(Duration.ZERO);
    delivery.onLost(late::incrementAndGet);
    assertThat(trial.timing().until(trial.late(Duration.ZERO), () -> late.get() == 1)).isTrue();
    trial.ack(trial.take(queue));
    assertThat(early).as("each listener ran once").hasValue(2);
    assertThat(delivery.isLost()).isTrue();
  }

  /** Nobody asks: the answer is right all the same. */
  @Test
  default void L4_lossWithoutListener_isSeenWhenAskedFor(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    trial.enqueue(queue, Message.text("lost"));
    Delivery delivery = trial.take(queue);
    trial.timing().pass(lease.plus(trial.timing().granularity()));
    assertThat(delivery.isLost()).isTrue();
    trial.ack(trial.take(queue));
  }

  /** By the time somebody else holds the message, the first holder knows. */
  @Test
  default void L4_supersededDelivery_knowsBeforeTheNextOneIsHandedOut(Trial trial) {
    trial.useShortLease();
    WorkQueue first = trial.open();
    WorkQueue second = trial.open();
    trial.enqueue(first, Message.text("superseded"));
    Delivery lost = trial.take(first);
    Delivery next = trial.take(second);
    assertThat(lost.isLost()).isTrue();
    assertThat(next.isLost()).isFalse();
    trial.ack(next);
  }

  /** A settled delivery is not lost, and its listeners never run. */
  @Test
  default void L4_settledDelivery_isNeverLost(Trial trial) {
    trial.useShortLease();
    WorkQueue queue = trial.open();
    trial.enqueueMany(queue, 2);
    List<Delivery> settled = trial.take(queue, 2);
    AtomicInteger ran = new AtomicInteger();
    settled.forEach(delivery -> delivery.onLost(ran::incrementAndGet));
    trial.ackAll(settled);
    settled.forEach(delivery -> delivery.onLost(ran::incrementAndGet));
    trial.nothingArrives(queue, trial.quiet());
    assertThat(settled).noneMatch(Delivery::isLost);
    assertThat(ran).as("listeners of settled deliveries").hasValue(0);
  }

  /** Each delivery of a message has a larger token, however the one before ended. */
  @Test
  default void L5_fencingTokens_growWithEachDelivery(Trial trial) {
    trial.useShortLease();
    WorkQueue one = trial.open();
    WorkQueue two = trial.open();
    trial.enqueue(one, Message.text("fenced"));
    Delivery released = trial.take(one);
    assertThat(trial.get(released.release())).isEqualTo(Settlement.OK);
    Delivery returned = trial.take(two);
    assertThat(trial.get(returned.giveBack())).isEqualTo(Settlement.OK);
    Delivery lost = trial.take(one);
    Delivery last = trial.take(two);
    assertThat(
            List.of(
                released.fencingToken(),
                returned.fencingToken(),
                lost.fencingToken(),
                last.fencingToken()))
        .as("tokens after a release, a return and a lost lease")
        .isSorted()
        .doesNotHaveDuplicates();
    trial.ack(last);
  }

  /** Waits for the same message to come back: after the lease it was held under, and in time. */
  private static Delivery comesBack(Trial trial, Delivery held, WorkQueue queue, int attempt) {
    Timing timing = trial.timing();
    long ends = timing.nanoTime() + held.leaseRemaining().toNanos();
    Taken taken = trial.takeWithin(queue, trial.late(trial.lease())).orElseThrow();
    assertThat(taken.delivery().id()).isEqualTo(held.id());
    if (queue.capabilities().attemptPrecision() == Capabilities.AttemptPrecision.EXACT) {
      assertThat(taken.delivery().attempt()).isEqualTo(attempt);
    } else {
      // The broker also counts what it delivered to a process that could not hand it out any more.
      assertThat(taken.delivery().attempt()).isGreaterThanOrEqualTo(attempt);
    }
    assertThat(Duration.ofNanos(taken.endedNanos() - ends))
        .as("after the end of the lease it was held under")
        .isGreaterThanOrEqualTo(timing.granularity().negated());
    assertThat(Duration.ofNanos(taken.beganNanos() - ends))
        .as("within the declared lateness")
        .isLessThanOrEqualTo(trial.late(Duration.ZERO));
    return taken.delivery();
  }
}
