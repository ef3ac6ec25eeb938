package dev.forebay.queue.spi;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * Lets one thread go on at a steady rate. A turn that was not used is not made up for, so nothing
 * follows in a burst. Not thread-safe.
 */
final class Pacer {

  private static final double NANOS = 1e9;

  private final TimeSource time;
  private final long intervalNanos;
  private long nextNanos;

  /** At most {@code perSecond}, which may be infinite. */
  Pacer(TimeSource time, double perSecond) {
    this.time = time;
    // The cast saturates: a rate next to nothing waits for centuries rather than overflowing.
    this.intervalNanos = Math.min((long) (NANOS / perSecond), Long.MAX_VALUE / 8);
    this.nextNanos = time.nanoTime();
  }

  /** Waits for the next turn; false when the thread is interrupted, whose flag stays set. */
  boolean await() {
    long now = time.nanoTime();
    if (!awaitFree()) {
      return false;
    }
    nextNanos = Math.max(nextNanos, now) + intervalNanos;
    return true;
  }

  /** As {@link #await()}, and leaves the turn for the next call of that. */
  boolean awaitFree() {
    long now = time.nanoTime();
    return nextNanos - now <= 0 || pause(nextNanos - now);
  }

  private boolean pause(long nanos) {
    CountDownLatch turn = new CountDownLatch(1);
    TimeSource.Timer timer = time.schedule(Duration.ofNanos(nanos), turn::countDown);
    try {
      turn.await();
      return true;
    } catch (InterruptedException e) {
      timer.cancel();
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
