package dev.forebay.queue.policy;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * How a worker keeps the leases of what it works on (L3, W1): all of them are looked at together at
 * jittered intervals, and those of which a third is gone are extended.
 *
 * <p>The leases are looked at every half of that third, so an extension is asked for when between a
 * third and a half of the lease is gone; one that fails can be tried twice more before the lease
 * ends. Looking more often would spread the extensions over more, emptier requests.
 *
 * <p>Immutable and thread-safe; each setter-like method returns a changed copy.
 */
public final class LeasePolicy {

  private static final double DEFAULT_EXTEND_AFTER = 1.0 / 3;
  private static final double DEFAULT_JITTER = 0.1;
  private static final Duration DEFAULT_MAX_RUN_TIME = Duration.ofHours(1);

  /** Below half of its lease an attempt has too little time left for a failed extension (P4). */
  private static final int START_DIVISOR = 2;

  private static final Duration SHORTEST_INTERVAL = Duration.ofMillis(5);

  /** Looking is cheap, and a lease of hours can be lost to others in its first minute (L4). */
  private static final Duration LONGEST_INTERVAL = Duration.ofSeconds(30);

  private final @Nullable Duration lease;
  private final double extendAfter;
  private final double jitter;
  private final Duration maxRunTime;
  private final long seed;

  private LeasePolicy(
      @Nullable Duration lease, double extendAfter, double jitter, Duration maxRunTime, long seed) {
    this.lease = lease;
    this.extendAfter = extendAfter;
    this.jitter = jitter;
    this.maxRunTime = maxRunTime;
    this.seed = seed;
  }

  /**
   * Extends to the lease that the queue granted when a third of it is gone, for at most an hour of
   * run time, with a jitter of a tenth.
   */
  public static LeasePolicy defaults() {
    return new LeasePolicy(
        null,
        DEFAULT_EXTEND_AFTER,
        DEFAULT_JITTER,
        DEFAULT_MAX_RUN_TIME,
        ThreadLocalRandom.current().nextLong());
  }

  /**
   * This policy, extending to {@code newLease} from the time of each extension instead of to the
   * lease that the queue granted.
   *
   * @param newLease within the queue's capabilities, which the worker checks when it starts
   */
  public LeasePolicy lease(Duration newLease) {
    requirePositive("A lease", newLease);
    return new LeasePolicy(newLease, extendAfter, jitter, maxRunTime, seed);
  }

  /**
   * This policy, extending when this part of the lease is gone.
   *
   * @param part from 0.05 to 0.6, so that a failed extension can be tried again
   */
  public LeasePolicy extendAfter(double part) {
    if (!(part >= 0.05 && part <= 0.6)) {
      throw new IllegalArgumentException(
          "A lease is extended after 0.05 to 0.6 of it, not after " + part);
    }
    return new LeasePolicy(lease, part, jitter, maxRunTime, seed);
  }

  /**
   * This policy, with intervals made shorter at random by up to this part, so that many workers do
   * not extend in step.
   *
   * @param part from 0 (none) to 0.5
   */
  public LeasePolicy jitter(double part) {
    if (!(part >= 0 && part <= 0.5)) {
      throw new IllegalArgumentException("Jitter is 0 to 0.5 of the interval, not " + part);
    }
    return new LeasePolicy(lease, extendAfter, part, maxRunTime, seed);
  }

  /**
   * This policy, with leases left to end once a handler has run this long: a hung handler's message
   * comes back without anybody's help (L2).
   */
  public LeasePolicy maxRunTime(Duration longest) {
    requirePositive("A run time", longest);
    return new LeasePolicy(lease, extendAfter, jitter, longest, seed);
  }

  /** This policy with a seed of the caller's for its jitter. */
  public LeasePolicy seed(long newSeed) {
    return new LeasePolicy(lease, extendAfter, jitter, maxRunTime, newSeed);
  }

  /** What extensions set the lease to; empty for the lease that the queue granted. */
  public Optional<Duration> lease() {
    return Optional.ofNullable(lease);
  }

  /** How long a handler may run before its lease is left to end. */
  public Duration maxRunTime() {
    return maxRunTime;
  }

  /**
   * How long until the leases are looked at again.
   *
   * @param shortest the shortest lease there is
   * @param step number of this interval; each has a jitter of its own
   */
  public Duration interval(Duration shortest, long step) {
    double even = saturatedNanos(shortest) * extendAfter / 2;
    double spread = even * (1 - jitter * Mix.unit(seed, 0, step));
    Duration interval = Duration.ofNanos((long) spread);
    if (interval.compareTo(SHORTEST_INTERVAL) < 0) {
      return SHORTEST_INTERVAL;
    }
    return interval.compareTo(LONGEST_INTERVAL) > 0 ? LONGEST_INTERVAL : interval;
  }

  /**
   * Whether it is time to extend.
   *
   * @param remaining what is left of the lease
   * @param full what it was when granted or last extended
   */
  public boolean extensionDue(Duration remaining, Duration full) {
    return saturatedNanos(remaining) <= saturatedNanos(full) * (1 - extendAfter);
  }

  /** Whether a handler that has run this long has its lease extended. */
  public boolean mayExtend(Duration running) {
    return running.compareTo(maxRunTime) < 0;
  }

  /**
   * Whether enough of a lease is left to start on it: half.
   *
   * @param remaining what is left of the lease
   * @param full what a lease of the queue is when granted
   */
  public boolean safeToStart(Duration remaining, Duration full) {
    return remaining.compareTo(full.dividedBy(START_DIVISOR)) >= 0;
  }

  private static long saturatedNanos(Duration duration) {
    Duration longest = Duration.ofNanos(Long.MAX_VALUE);
    return (duration.compareTo(longest) < 0 ? duration : longest).toNanos();
  }

  private static void requirePositive(String what, Duration duration) {
    Objects.requireNonNull(duration);
    if (duration.isNegative() || duration.isZero()) {
      throw new IllegalArgumentException(what + " must be positive, not " + duration);
    }
  }

  @Override
  public String toString() {
    return "LeasePolicy["
        + (lease == null ? "lease as granted" : "lease " + lease)
        + ", extended after "
        + extendAfter
        + " of it, for at most "
        + maxRunTime
        + "]";
  }
}
