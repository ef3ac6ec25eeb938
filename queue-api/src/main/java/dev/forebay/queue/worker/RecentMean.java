package dev.forebay.queue.worker;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What a figure has lately been on average, so that what it was an hour ago no longer counts: the
 * exponentially weighted moving average {@code m ← m + w (x − m)} (S. W. Roberts, Control Chart
 * Tests Based on Geometric Moving Averages, 1959; RFC 6298 smooths round-trip times the same way),
 * with {@code w = 2 ÷ (n + 1)}, which forgets as fast as a plain mean of the last n = {@value
 * #SPAN} values. The first of them are averaged plainly, lest the very first one counts for too
 * much.
 *
 * <p>Thread-safe. Of values recorded at the very same time one may be left out, which costs an
 * average nothing and saves handlers from waiting for each other.
 */
final class RecentMean {

  private static final int SPAN = 100;

  private static final double WEIGHT = 2.0 / (SPAN + 1);

  private final AtomicLong bits = new AtomicLong(Double.doubleToRawLongBits(0));
  private volatile int count;

  void record(double value) {
    int earlier = count;
    long before = bits.get();
    double mean = Double.longBitsToDouble(before);
    double next = mean + Math.max(WEIGHT, 1.0 / (earlier + 1)) * (value - mean);
    if (bits.compareAndSet(before, Double.doubleToRawLongBits(next)) && earlier < SPAN) {
      count = earlier + 1;
    }
  }

  /** The mean; 0 while nothing was recorded. */
  double value() {
    return Double.longBitsToDouble(bits.get());
  }
}
