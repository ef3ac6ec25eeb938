package dev.forebay.queue.loadtest.model;

import java.time.Duration;

/**
 * Which requests fail at their first attempt, for instance because the accelerator ran out of
 * memory. They fail half-way through and succeed when tried again. Decided by the seed and the
 * request alone, so that the ideal and all queues see the same failures. Immutable.
 */
public final class Failures {
  private final long seed;
  private final double share;
  private final Duration backoff;

  /**
   * Plans failures.
   *
   * @param share how many of the requests fail, from 0 to 1
   * @param backoff how long after the failure the second attempt may start, in trace time
   */
  public Failures(long seed, double share, Duration backoff) {
    if (!(share >= 0 && share <= 1)) {
      throw new IllegalArgumentException("the share of failures must be from 0 to 1: " + share);
    }
    this.seed = seed;
    this.share = share;
    this.backoff = backoff;
  }

  /** Whether this attempt (1-based) of this request (0-based) fails. */
  public boolean fails(int request, int attempt) {
    return attempt == 1 && uniform(request) < share;
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
