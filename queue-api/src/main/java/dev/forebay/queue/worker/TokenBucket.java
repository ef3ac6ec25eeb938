package dev.forebay.queue.worker;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;

/**
 * So many a second, and so many at once after a pause. Takers that share it may overdraw it by what
 * they took between their look and their taking; the debt is waited for afterwards, so the rate
 * holds. Thread-safe.
 */
final class TokenBucket {

  private final double perNano;
  private final int burst;
  private final TimeSource time;
  private double tokens;
  private long filledNanos;

  TokenBucket(double perSecond, int burst, TimeSource time) {
    if (!(perSecond > 0) || burst < 1) {
      throw new IllegalArgumentException(
          "A rate must be positive and its burst at least 1, not " + perSecond + " and " + burst);
    }
    this.perNano = perSecond / 1e9;
    this.burst = burst;
    this.time = time;
    this.tokens = burst;
    this.filledNanos = time.nanoTime();
  }

  synchronized int available() {
    fill();
    return (int) Math.max(0, Math.floor(tokens + 1e-9));
  }

  synchronized void take(int count) {
    fill();
    tokens -= count;
  }

  /** Until there is one. */
  synchronized Duration untilAvailable() {
    fill();
    return Duration.ofNanos((long) Math.ceil(Math.max(0, 1 - tokens) / perNano));
  }

  private void fill() {
    long now = time.nanoTime();
    tokens = Math.min(burst, tokens + (now - filledNanos) * perNano);
    filledNanos = now;
  }
}
