package dev.forebay.queue.resilience;

import dev.forebay.queue.time.TimeSource;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;

/**
 * The monotonic time of a {@link TimeSource} in the dress of a clock, for a library that measures
 * waits by one: setting the machine's clock then neither shortens nor lengthens them. It began at
 * the epoch when it was made. Immutable and thread-safe.
 */
final class MonotonicClock extends Clock {

  private final TimeSource time;
  private final long originNanos;

  MonotonicClock(TimeSource time) {
    this.time = time;
    this.originNanos = time.nanoTime();
  }

  @Override
  public ZoneId getZone() {
    return ZoneOffset.UTC;
  }

  @Override
  public Clock withZone(ZoneId zone) {
    return this;
  }

  @Override
  public Instant instant() {
    return Instant.EPOCH.plusNanos(time.nanoTime() - originNanos);
  }
}
