package dev.forebay.queue.loadtest.model;

import java.time.Duration;

/**
 * Which requests fail at their first attempt, for instance because the accelerator ran out of
 * memory. They fail half-way through and succeed when tried again. Decided by the seed and the
 * request alone, so that the ideal and all queues see the same failures. Some may hang instead, at
 * their first attempt too, until somebody interrupts them; half of those then do their work as if
 * nothing had happened. Immutable.
 */
public final class Failures {
  private final long seed;
  private final double share;
  private final Duration backoff;
  private final double hanging;
  private final Duration hangs;

  /**
   * Plans failures.
   *
   * @param share how many of the requests fail, from 0 to 1
   * @param backoff how long after the failure the second attempt may start, in trace time
   */
  public Failures(long seed, double share, Duration backoff) {
    this(seed, share, backoff, 0, Duration.ZERO);
  }

  private Failures(long seed, double share, Duration backoff, double hanging, Duration hangs) {
    if (!(share >= 0 && share <= 1)) {
      throw new IllegalArgumentException("the share of failures must be from 0 to 1: " + share);
    }
    this.seed = seed;
    this.share = share;
    if (!(hanging >= 0 && share + hanging <= 1)) {
      throw new IllegalArgumentException("the share of hangs must leave it at 1: " + hanging);
    }
    this.backoff = backoff;
    this.hanging = hanging;
    this.hangs = hangs;
  }

  /**
   * These failures, and some requests that hang.
   *
   * @param part how many of the requests hang, from 0 to 1
   * @param lasting how long a hung attempt keeps its slot until it is interrupted, in the replay's
   *     time
   */
  public Failures withHangs(double part, Duration lasting) {
    return new Failures(seed, share, backoff, part, lasting);
  }

  /** Whether this attempt (1-based) of this request (0-based) fails. */
  public boolean fails(int request, int attempt) {
    return attempt == 1 && uniform(request) < share;
  }

  /** Whether this attempt of this request hangs; it does not fail as well. */
  public boolean hangs(int request, int attempt) {
    double drawn = uniform(request);
    return attempt == 1 && drawn >= share && drawn < share + hanging;
  }

  /** Whether this attempt hangs, and goes on with its work when it is interrupted. */
  public boolean goesOn(int request, int attempt) {
    return request % 2 == 1 && hangs(request, attempt);
  }

  /** How long an attempt keeps its slot that would take {@code serviceTime} in full. */
  public Duration lasts(int request, int attempt, Duration serviceTime) {
    if (hangs(request, attempt)) {
      return goesOn(request, attempt) ? hangs.plus(serviceTime) : hangs;
    }
    return fails(request, attempt) ? after(serviceTime) : serviceTime;
  }

  /** How long an attempt that takes {@code serviceTime} in full has run when it fails. */
  public static Duration after(Duration serviceTime) {
    return serviceTime.dividedBy(2);
  }

  /** The least time between the failure and the second attempt, in trace time. */
  public Duration backoff() {
    return backoff;
  }

  /**
   * The finaliser of SplitMix64 (G. Steele et al., OOPSLA 2014): one draw per request, no state.
   */
  private double uniform(int request) {
    long z = seed + (request + 1L) * 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return ((z ^ (z >>> 31)) >>> 11) * 0x1.0p-53;
  }
}
