package dev.forebay.queue.worker;

import java.time.Duration;

/**
 * How long something took, over a worker's life. Quantiles are at most 12.5 % above the true ones.
 *
 * @param count how many were measured
 * @param mean their mean
 * @param p1 one in a hundred was shorter
 * @param p50 every second one was shorter
 * @param p99 one in a hundred was longer
 * @param max the longest
 */
public record Timings(
    long count, Duration mean, Duration p1, Duration p50, Duration p99, Duration max) {

  /** Nothing was measured. */
  public static final Timings NONE =
      new Timings(0, Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO);
}
