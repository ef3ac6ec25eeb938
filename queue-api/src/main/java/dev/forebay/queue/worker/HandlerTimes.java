package dev.forebay.queue.worker;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * How long the handlers of each message type have lately run, for leases that fit them: the 99th
 * percentile of the last one to two thousand runs of a type. What is known of a type takes 8 KB and
 * the first {@value #MAX_TYPES} types have a place of their own; all later ones share one, since a
 * type may be anything a producer wrote.
 *
 * <p>Thread-safe; a reading while others record may be a few records behind.
 */
final class HandlerTimes {

  static final int MAX_TYPES = 64;

  /** Of fewer runs a percentile says nothing. */
  static final int ENOUGH = 20;

  /** After so many runs the ones before them are forgotten. */
  private static final int WINDOW = 1_024;

  /** Finding the percentile costs as much as recording some hundred times. */
  private static final int REFRESH = 64;

  private final Map<String, Recent> types = new ConcurrentHashMap<>();
  private final Recent others = new Recent();

  /** A handler of this type ran so long. */
  void record(String type, long nanos) {
    Recent known = types.get(type);
    if (known == null) {
      // Two threads may both find the last place; a type more does no harm.
      known = types.size() < MAX_TYPES ? types.computeIfAbsent(type, none -> new Recent()) : others;
    }
    known.record(nanos);
  }

  /** What one in a hundred handlers of this type runs longer than; zero while that is unknown. */
  Duration p99(String type) {
    return Duration.ofNanos(types.getOrDefault(type, others).p99Nanos);
  }

  private static final class Recent {
    private final AtomicInteger count = new AtomicInteger();
    private volatile Distribution now = new Distribution();
    private volatile @Nullable Distribution before;
    private volatile long p99Nanos;

    void record(long nanos) {
      now.record(nanos);
      int recorded = count.incrementAndGet();
      if (recorded == ENOUGH || recorded % REFRESH == 0) {
        refresh(recorded);
      }
    }

    private synchronized void refresh(int recorded) {
      Distribution earlier = before;
      long p99 = now.snapshot().p99().toNanos();
      p99Nanos = earlier == null ? p99 : Math.max(p99, earlier.snapshot().p99().toNanos());
      if (recorded >= WINDOW) {
        before = now;
        now = new Distribution();
        count.set(0);
      }
    }
  }
}
