package dev.forebay.queue.policy;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How long to wait after a failed attempt: exponential from a base up to a cap, with {@link
 * Jitter}, {@link Jitter#FULL} unless chosen otherwise.
 *
 * <p>A delay is a pure function of the attempt and the salt (R3): the same object always gives the
 * same answer, and so does another one with the same settings and {@link #seed(long)}. Chance comes
 * in by the seed, which differs from object to object unless set, and by the salt, for which a
 * message's id serves well: without one, all messages that failed at the same attempt come back
 * after the same delay.
 *
 * <p>Immutable and thread-safe; each setter-like method returns a changed copy.
 */
public final class Backoff {

  private static final Duration LONGEST_CAP = Duration.ofDays(365);

  /**
   * Decorrelated jitter is computed step by step; after this many the start no longer shows, and an
   * attempt of two thousand million must not take seconds.
   */
  private static final int MAX_STEPS = 256;

  private final long baseNanos;
  private final long capNanos;
  private final Jitter jitter;
  private final long seed;

  private Backoff(long baseNanos, long capNanos, Jitter jitter, long seed) {
    this.baseNanos = baseNanos;
    this.capNanos = capNanos;
    this.jitter = jitter;
    this.seed = seed;
  }

  /**
   * Doubles from {@code base} after the first attempt up to {@code cap}.
   *
   * @param base zero or more; zero retries at once, always
   * @param cap at least {@code base}, at most 365 days
   */
  public static Backoff exponential(Duration base, Duration cap) {
    if (base.isNegative() || cap.compareTo(base) < 0 || cap.compareTo(LONGEST_CAP) > 0) {
      throw new IllegalArgumentException(
          "A backoff needs 0 <= base <= cap <= "
              + LONGEST_CAP
              + ", not base "
              + base
              + " and cap "
              + cap);
    }
    return new Backoff(
        base.toNanos(), cap.toNanos(), Jitter.FULL, ThreadLocalRandom.current().nextLong());
  }

  /** This backoff with another jitter. */
  public Backoff jitter(Jitter newJitter) {
    return new Backoff(baseNanos, capNanos, Objects.requireNonNull(newJitter), seed);
  }

  /** This backoff with a seed of the caller's: its delays are then the same in every run. */
  public Backoff seed(long newSeed) {
    return new Backoff(baseNanos, capNanos, jitter, newSeed);
  }

  /** No delay is longer than this. */
  public Duration cap() {
    return Duration.ofNanos(capNanos);
  }

  /**
   * The delay after the given attempt.
   *
   * @param attempt 1-based, the one that failed
   */
  public Duration delay(int attempt) {
    return delay(attempt, "");
  }

  /**
   * The delay after the given attempt of one message.
   *
   * @param attempt 1-based, the one that failed
   * @param salt tells messages apart, such as their id
   */
  public Duration delay(int attempt, String salt) {
    if (attempt < 1) {
      throw new IllegalArgumentException("Attempts count from 1, not from " + attempt);
    }
    return Duration.ofNanos(
        jitter == Jitter.DECORRELATED
            ? decorrelated(attempt, Mix.hash(salt))
            : spread(doubled(attempt), attempt, salt));
  }

  private long spread(long wait, int attempt, String salt) {
    if (jitter == Jitter.NONE) {
      return wait;
    }
    long low = jitter == Jitter.EQUAL ? wait / 2 : 0;
    return Mix.between(low, wait, Mix.unit(seed, Mix.hash(salt), attempt));
  }

  private long doubled(int attempt) {
    int doublings = Math.min(attempt - 1, Long.SIZE - 2);
    return baseNanos > capNanos >> doublings ? capNanos : baseNanos << doublings;
  }

  private long decorrelated(int attempt, long salt) {
    long delay = baseNanos;
    for (long step = Math.max(1, attempt - MAX_STEPS + 1); step <= attempt; step++) {
      delay = Math.min(capNanos, Mix.between(baseNanos, 3 * delay, Mix.unit(seed, salt, step)));
    }
    return delay;
  }

  @Override
  public String toString() {
    return "Backoff[" + Duration.ofNanos(baseNanos) + " to " + cap() + ", jitter " + jitter + "]";
  }
}
