package dev.forebay.queue.worker;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;

/**
 * How times are distributed, in buckets that are at most an eighth wide: a quantile is never below
 * the true one and at most 12.5 % above it. 4 KB, and two counters a record. Thread-safe; a reading
 * while others record may be a few records apart.
 */
final class Distribution {

  /** Eight buckets for each power of two. */
  private static final int SUB_BITS = 3;

  private static final int SUB = 1 << SUB_BITS;

  private final AtomicLongArray buckets = new AtomicLongArray((Long.SIZE - SUB_BITS) * SUB);
  private final LongAdder sum = new LongAdder();
  private final LongAccumulator max = new LongAccumulator(Math::max, 0);

  /** Records a time in nanoseconds; a negative one, by clocks that differ, counts as zero. */
  void record(long nanos) {
    long value = Math.max(0, nanos);
    buckets.getAndIncrement(bucket(value));
    sum.add(value);
    if (value > max.get()) {
      max.accumulate(value);
    }
  }

  /** The figures up to now. */
  Timings snapshot() {
    long[] counts = new long[buckets.length()];
    long count = 0;
    for (int i = 0; i < counts.length; i++) {
      counts[i] = buckets.get(i);
      count += counts[i];
    }
    if (count == 0) {
      return Timings.NONE;
    }
    return new Timings(
        count,
        Duration.ofNanos(sum.sum() / count),
        quantile(counts, count, 0.01),
        quantile(counts, count, 0.5),
        quantile(counts, count, 0.99),
        Duration.ofNanos(max.get()));
  }

  private Duration quantile(long[] counts, long count, double part) {
    long wanted = Math.max(1, (long) Math.ceil(count * part));
    long seen = 0;
    for (int i = 0; i < counts.length; i++) {
      seen += counts[i];
      if (seen >= wanted) {
        return Duration.ofNanos(Math.min(max.get(), upper(i)));
      }
    }
    return Duration.ofNanos(max.get());
  }

  private static int bucket(long value) {
    if (value < SUB) {
      return (int) value;
    }
    int exponent = Long.SIZE - 1 - Long.numberOfLeadingZeros(value);
    int sub = (int) (value >>> (exponent - SUB_BITS)) & (SUB - 1);
    return (exponent - SUB_BITS + 1) * SUB + sub;
  }

  /** The largest value of a bucket. */
  private static long upper(int bucket) {
    if (bucket < SUB) {
      return bucket;
    }
    int shift = bucket / SUB - 1;
    return ((long) (SUB + bucket % SUB + 1) << shift) - 1;
  }
}
