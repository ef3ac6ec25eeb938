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
 * ends. Looking more often would spread the extensions over more, emptier requests. A worker that
 * keeps n leases so makes at most n ÷ (the queue's settle batch) requests in a third of a lease.
 *
 * <p><b>Leases follow the work.</b> A handler of a type that usually ends within a third of the
 * lease never has one extended. For a type that takes longer an extension covers what is usually
 * left of it (to the 99th percentile of its latest runs), so that no second one is due: longer than
 * the queue's lease, but at most {@link #stretch} times it. That is what it costs: a message whose
 * worker crashed in the middle of long work comes back after up to {@code stretch} times the
 * queue's lease, two by default, plus the queue's lateness (L2). What has not started, what runs
 * longer than is usual, and types of which fewer than 20 runs were seen keep to the queue's lease.
 * Losses are noticed as soon as without it (L4). {@code stretch(1)} switches it off.
 *
 * <p>Immutable and thread-safe; each setter-like method returns a changed copy.
 */
public final class LeasePolicy {

  private static final double DEFAULT_EXTEND_AFTER = 1.0 / 3;
  private static final double DEFAULT_JITTER = 0.1;

  /** Halves the extensions of long work and at most doubles the time until a crash is noticed. */
  private static final double DEFAULT_STRETCH = 2;

  private static final Duration DEFAULT_MAX_RUN_TIME = Duration.ofHours(1);

  /** Below half of its lease an attempt has too little time left for a failed extension (P4). */
  private static final int START_DIVISOR = 2;

  private static final Duration SHORTEST_INTERVAL = Duration.ofMillis(5);

  /** Looking is cheap, and a lease of hours can be lost to others in its first minute (L4). */
  private static final Duration LONGEST_INTERVAL = Duration.ofSeconds(30);

  private final @Nullable Duration lease;
  private final double extendAfter;
  private final double jitter;
  private final double stretch;
  private final Duration maxRunTime;
  private final long seed;

  private LeasePolicy(
      @Nullable Duration lease,
      double extendAfter,
      double jitter,
      double stretch,
      Duration maxRunTime,
      long seed) {
    this.lease = lease;
    this.extendAfter = extendAfter;
    this.jitter = jitter;
    this.stretch = stretch;
    this.maxRunTime = maxRunTime;
    this.seed = seed;
  }

  /**
   * Extends when a third of the lease is gone, to the lease that the queue granted or, for types
   * that take long, to twice that at most; for at most an hour of run time, with a jitter of a
   * tenth.
   */
  public static LeasePolicy defaults() {
    return new LeasePolicy(
        null,
        DEFAULT_EXTEND_AFTER,
        DEFAULT_JITTER,
        DEFAULT_STRETCH,
        DEFAULT_MAX_RUN_TIME,
        ThreadLocalRandom.current().nextLong());
  }

  /**
   * This policy, always extending to {@code newLease} from the time of each extension instead of by
   * the lease that the queue granted and the work.
   *
   * @param newLease within the queue's capabilities, which the worker checks when it starts
   */
  public LeasePolicy lease(Duration newLease) {
    requirePositive("A lease", newLease);
    return new LeasePolicy(newLease, extendAfter, jitter, stretch, maxRunTime, seed);
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
    return new LeasePolicy(lease, part, jitter, stretch, maxRunTime, seed);
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
    return new LeasePolicy(lease, extendAfter, part, stretch, maxRunTime, seed);
  }

  /**
   * This policy, with leases left to end once a handler has run this long: a hung handler's message
   * comes back without anybody's help (L2).
   */
  public LeasePolicy maxRunTime(Duration longest) {
    requirePositive("A run time", longest);
    return new LeasePolicy(lease, extendAfter, jitter, stretch, longest, seed);
  }

  /**
   * This policy, with the lease of work that takes long extended to at most this many times the
   * lease that the queue granted; see above for what that saves and costs. It has no effect beside
   * {@link #lease(Duration)}.
   *
   * @param atMost from 1 (every extension is to the lease that was granted) to 100
   */
  public LeasePolicy stretch(double atMost) {
    if (!(atMost >= 1 && atMost <= 100)) {
      throw new IllegalArgumentException("A lease is stretched 1 to 100 times, not " + atMost);
    }
    return new LeasePolicy(lease, extendAfter, jitter, atMost, maxRunTime, seed);
  }

  /** This policy with a seed of the caller's for its jitter. */
  public LeasePolicy seed(long newSeed) {
    return new LeasePolicy(lease, extendAfter, jitter, stretch, maxRunTime, newSeed);
  }

  /** What extensions set the lease to; empty for the lease that the queue granted. */
  public Optional<Duration> lease() {
    return Optional.ofNullable(lease);
  }

  /** Whether leases follow the work: no lease is set, and they may be stretched. */
  public boolean followsWork() {
    return lease == null && stretch > 1;
  }

  /**
   * What an extension sets the lease to.
   *
   * @param granted what a lease of the queue is when granted
   * @param left how long the work usually goes on from now; zero when that is unknown
   */
  public Duration extendTo(Duration granted, Duration left) {
    if (lease != null) {
      return lease;
    }
    double shortest = saturatedNanos(granted);
    double wanted = saturatedNanos(left) / extendAfter;
    return wanted <= shortest
        ? granted
        : Duration.ofNanos((long) Math.min(wanted, shortest * stretch));
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
        + (lease == null ? "lease as granted, stretched " + stretch + " times" : "lease " + lease)
        + ", extended after "
        + extendAfter
        + " of it, for at most "
        + maxRunTime
        + "]";
  }
}
