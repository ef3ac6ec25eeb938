package dev.forebay.queue.loadtest.model;

import java.time.Duration;

/**
 * A stretch of time cut into equal parts, for charts. Immutable.
 *
 * @param count the number of parts
 * @param span the time they cover together, from the start of the replay
 */
public record Buckets(int count, Duration span) {

  /** Checks that there is a part and that it has a length. */
  public Buckets {
    if (count < 1 || span.toNanos() < count) {
      throw new IllegalArgumentException("cannot cut " + span + " into " + count);
    }
  }

  /** The part in which a time in nanoseconds lies; times outside belong to the nearest part. */
  int of(long nanos) {
    int bucket = (int) ((double) nanos / span.toNanos() * count);
    return Math.max(0, Math.min(count - 1, bucket));
  }

  long start(int bucket) {
    return (long) ((double) span.toNanos() * bucket / count);
  }

  long end(int bucket) {
    return start(bucket + 1);
  }
}
