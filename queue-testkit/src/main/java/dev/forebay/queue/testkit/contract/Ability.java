package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import java.util.EnumSet;
import java.util.Set;

/**
 * What a backend, or its harness, may offer beyond what the contract asks of everybody. Tests of
 * such a thing are bound to it from both sides: {@link WhenOffered} and {@link WhenAbsent}.
 */
public enum Ability {
  /** An enqueue may carry a delay: {@link Capabilities#maxEnqueueDelay()} above zero. */
  ENQUEUE_DELAY,
  /** A release may carry a delay: {@link Capabilities#maxReleaseDelay()} above zero. */
  RELEASE_DELAY,
  /** The queue itself drops a second dedup id: {@link Capabilities#dedupWindow()} above zero. */
  DEDUP,
  /** Messages of one key keep their order: {@link Capabilities#ordering()}. */
  KEY_ORDER,
  /** A failing message may step aside within its key: {@link WorkQueueHarness#keyPolicies()}. */
  RELAXED_KEYS,
  /** A return burns no attempt: {@link Capabilities#returnsWithoutAttempt()}. */
  FREE_RETURNS,
  /** Causes of attempts are known across processes: {@link Capabilities#attemptPrecision()}. */
  EXACT_ATTEMPTS,
  /** Never two live leases on one message: {@link Capabilities#exclusivity()}. */
  STRICT_EXCLUSIVITY,
  /** Fencing tokens always grow: {@link Capabilities#fencing()}. */
  STRICT_FENCING,
  /** There is a dead-letter destination: {@link Capabilities#deadLetters()}. */
  DEAD_LETTERS,
  /** Dead letters can be listed, redriven and discarded: {@link WorkQueue#deadLetters()}. */
  WORKBENCH,
  /** An extension may be longer than the lease of the hand-out. */
  LONGER_LEASES,
  /** An extension may be shorter than the lease of the hand-out. */
  SHORTER_LEASES,
  /** {@link QueueDepth#visible()} is known. */
  VISIBLE_DEPTH,
  /** {@link QueueDepth#inFlight()} is known. */
  IN_FLIGHT_DEPTH,
  /** {@link QueueDepth#delayed()} is known. */
  DELAYED_DEPTH,
  /** {@link QueueDepth#oldestAge()} is known. */
  OLDEST_AGE,
  /** The harness can kill a queue object: {@link WorkQueueHarness#crash()}. */
  CRASH,
  /** The harness can write past the library: {@link WorkQueueHarness#rawRecords()}. */
  RAW_RECORDS,
  /** The harness can take the broker away: {@link WorkQueueHarness#outage()}. */
  OUTAGE,
  /** The harness knows builds that must fail: {@link WorkQueueHarness#misconfigurations()}. */
  MISCONFIGURATIONS,
  /** The harness can count requests: {@link WorkQueueHarness#enqueueRequests}. */
  REQUEST_COUNT;

  /** Finds out what there is, from the numbers a queue declares and the hooks a harness has. */
  static Set<Ability> of(
      String name, WorkQueueHarness harness, QueueSettings settings, Capabilities can) {
    Set<Ability> found = EnumSet.noneOf(Ability.class);
    add(found, ENQUEUE_DELAY, !can.maxEnqueueDelay().isZero());
    add(found, RELEASE_DELAY, !can.maxReleaseDelay().isZero());
    add(found, DEDUP, !can.dedupWindow().isZero());
    boolean ordered = can.ordering() == Capabilities.Ordering.PER_KEY;
    add(found, KEY_ORDER, ordered);
    add(found, RELAXED_KEYS, ordered && harness.keyPolicies().contains(KeyPolicy.RELAXED));
    add(found, FREE_RETURNS, can.returnsWithoutAttempt());
    add(found, EXACT_ATTEMPTS, can.attemptPrecision() == Capabilities.AttemptPrecision.EXACT);
    add(found, STRICT_EXCLUSIVITY, can.exclusivity() == Capabilities.Exclusivity.STRICT);
    add(found, STRICT_FENCING, can.fencing() == Capabilities.Fencing.STRICT);
    add(found, DEAD_LETTERS, can.deadLetters());
    add(found, LONGER_LEASES, can.maxLease().compareTo(settings.lease().multipliedBy(2)) >= 0);
    add(found, SHORTER_LEASES, can.minLease().compareTo(settings.lease().dividedBy(2)) <= 0);
    add(found, CRASH, harness.crash().isPresent());
    add(found, RAW_RECORDS, harness.rawRecords().isPresent());
    add(found, OUTAGE, harness.outage().isPresent());
    add(found, MISCONFIGURATIONS, !harness.misconfigurations().isEmpty());
    add(found, REQUEST_COUNT, harness.enqueueRequests(name).isPresent());
    return found;
  }

  /** Finds out which figures of the depth are known while a message waits. */
  static Set<Ability> of(QueueDepth depth) {
    Set<Ability> found = EnumSet.noneOf(Ability.class);
    add(found, VISIBLE_DEPTH, depth.visible().isPresent());
    add(found, IN_FLIGHT_DEPTH, depth.inFlight().isPresent());
    add(found, DELAYED_DEPTH, depth.delayed().isPresent());
    add(found, OLDEST_AGE, depth.oldestAge().isPresent());
    return found;
  }

  /** Finds out whether a queue offers to work on its dead letters. */
  static Set<Ability> of(WorkQueue queue) {
    try {
      queue.deadLetters();
      return EnumSet.of(WORKBENCH);
    } catch (QueueException e) {
      if (e.code() == ErrorCode.UNSUPPORTED) {
        return EnumSet.noneOf(Ability.class);
      }
      throw e;
    }
  }

  private static void add(Set<Ability> to, Ability ability, boolean offered) {
    if (offered) {
      to.add(ability);
    }
  }
}
