package dev.forebay.queue.loadtest.model;

import java.time.Duration;

/**
 * By how much a replay runs faster than its trace. It shortens arrivals, service times and every
 * time-out alike: were the time-outs left alone, a fast replay would never see one of them.
 *
 * @param factor 1 for the trace's own pace, 10 for an hour in six minutes
 */
public record SpeedUp(double factor) {

  /** Checks that the factor is a positive number. */
  public SpeedUp {
    if (!(factor > 0) || Double.isInfinite(factor)) {
      throw new IllegalArgumentException("the speed-up must be a positive number: " + factor);
    }
  }

  /** What {@code traceTime} lasts in the replay. */
  public Duration scale(Duration traceTime) {
    return Duration.ofNanos(Math.round(traceTime.toNanos() / factor));
  }

  /** As {@link #scale(Duration)}, but not less than {@code least}. */
  public Duration scale(Duration traceTime, Duration least) {
    Duration scaled = scale(traceTime);
    return scaled.compareTo(least) < 0 ? least : scaled;
  }

  /** The factor as people write it: {@code ×10}, {@code ×2.5}. */
  @Override
  public String toString() {
    return factor == Math.rint(factor) && factor < 1e9 ? "×" + (long) factor : "×" + factor;
  }
}
