package dev.forebay.queue.kafka;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * What other threads tell a lane: records that are decided, and that it should look at all of them.
 *
 * <p>Settlements go to the broker several in one request where several are ready, but none waits
 * longer than {@value #LINGER_MILLIS} ms, nor at all when nobody is left to settle. Bounded by what
 * the lane holds. Thread-safe, but only the lane's own thread waits and takes.
 */
final class LaneInbox {

  private static final int LINGER_MILLIS = 2;

  private final TimeSource time;
  private final ConcurrentLinkedQueue<Held> decided = new ConcurrentLinkedQueue<>();

  /** Records in callers' hands. */
  private final AtomicInteger out = new AtomicInteger();

  private volatile @Nullable Thread waiting;
  private volatile boolean lingering;
  private volatile boolean nudged;

  LaneInbox(TimeSource time) {
    this.time = time;
  }

  /** A record went into a caller's hands. */
  void handedOut() {
    out.incrementAndGet();
  }

  /** A record's delivery was lost: nobody will settle it. */
  void lost() {
    out.decrementAndGet();
  }

  /** A record's delivery has been settled. */
  void settled(Held record) {
    decided.add(record);
    int left = out.decrementAndGet();
    // A lane that lingers for more settlements need not wait once nobody is left to settle.
    if (!lingering || left <= 0) {
      wake();
    }
  }

  /** A record was written aside. */
  void written(Held record) {
    decided.add(record);
    wake();
  }

  /** The lane must look at its records now. */
  void nudge() {
    nudged = true;
    wake();
  }

  private void wake() {
    Thread lane = waiting;
    if (lane != null) {
      LockSupport.unpark(lane);
    }
  }

  /** Waits for decisions, a nudge or that time; false when interrupted. */
  boolean await(long until) {
    waiting = Thread.currentThread();
    try {
      long lingerUntil = 0;
      while (!nudged) {
        long now = time.nanoTime();
        long end = until;
        if (!decided.isEmpty()) {
          if (out.get() <= 0) {
            return true;
          }
          if (!lingering) {
            lingering = true;
            lingerUntil = now + Duration.ofMillis(LINGER_MILLIS).toNanos();
          }
          end = earlier(end, lingerUntil);
        }
        if (end - now <= 0) {
          return true;
        }
        LockSupport.parkNanos(this, end - now);
        if (Thread.currentThread().isInterrupted()) {
          return false;
        }
      }
      return true;
    } finally {
      waiting = null;
      lingering = false;
    }
  }

  /** Whether the lane was nudged since the last call. */
  boolean takeNudge() {
    boolean was = nudged;
    nudged = false;
    return was;
  }

  /** The next decided record, or null. */
  @Nullable Held take() {
    return decided.poll();
  }

  private static long earlier(long a, long b) {
    return a - b < 0 ? a : b;
  }
}
