package dev.forebay.queue.kafka;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What other threads tell a lane: records that are decided, and that it should look at all of them.
 *
 * <p>Settlements go to the broker several in one request where several are ready, but none waits
 * longer than {@value #LINGER_MILLIS} ms, nor at all when nobody is left to settle. Bounded by what
 * the lane holds.
 *
 * <p>Once {@link #end ended}, nobody takes anything any more: what is there and whatever still
 * comes is answered at once. Whoever adds looks for the end after he has added, and the end comes
 * before the last look at what was added, so that one of the two finds it.
 *
 * <p>Thread-safe, but only the lane's own thread waits and takes.
 */
final class LaneInbox {

  private static final int LINGER_MILLIS = 2;

  private final TimeSource time;
  private final Consumer<Held> refuse;
  private final ConcurrentLinkedQueue<Held> decided = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Runnable> renewals = new ConcurrentLinkedQueue<>();

  /** Records in callers' hands. */
  private final AtomicInteger out = new AtomicInteger();

  private volatile @Nullable Thread waiting;
  private volatile boolean lingering;
  private volatile boolean nudged;
  private volatile boolean ended;

  /**
   * An inbox of a lane.
   *
   * @param refuse answers a record for which the lane has ended; runs in any thread
   */
  LaneInbox(TimeSource time, Consumer<Held> refuse) {
    this.time = time;
    this.refuse = refuse;
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
    add(record);
    int left = out.decrementAndGet();
    // A lane that lingers for more settlements need not wait once nobody is left to settle.
    if (!lingering || left <= 0) {
      wake();
    }
  }

  /** A record was written aside. */
  void written(Held record) {
    add(record);
    wake();
  }

  private void add(Held record) {
    decided.add(record);
    if (ended) {
      refuseAll();
    }
  }

  /** Runs that once the lane's locks are renewed the next time, or when the lane has ended. */
  void afterRenewal(Runnable task) {
    renewals.add(task);
    if (ended) {
      renewed();
    }
  }

  /** The lane has renewed its locks. */
  void renewed() {
    for (Runnable each = renewals.poll(); each != null; each = renewals.poll()) {
      each.run();
    }
  }

  /** The lane takes no more: what is here and whatever comes is refused. */
  void end() {
    ended = true;
    refuseAll();
    renewed();
  }

  private void refuseAll() {
    for (Held each = decided.poll(); each != null; each = decided.poll()) {
      refuse.accept(each);
    }
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
