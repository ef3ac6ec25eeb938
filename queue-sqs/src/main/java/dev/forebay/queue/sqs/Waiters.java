package dev.forebay.queue.sqs;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The polls that wait, first come, first served.
 *
 * <p>Not thread-safe: guarded by the receiver's lock, which {@link #await} gives up while it waits.
 */
final class Waiters {

  /** A poll without a wait still needs the time of one request. */
  private static final long REQUEST_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(3);

  private static final Duration LONGEST = Duration.ofDays(365);

  private final ReentrantLock lock;
  private final TimeSource time;
  private final Deque<Waiter> waiters = new ArrayDeque<>();

  /** Nobody waits. */
  Waiters(ReentrantLock lock, TimeSource time) {
    this.lock = lock;
    this.time = time;
  }

  /** A poll that waits. */
  final class Waiter {
    final int max;

    /** Whether it was to wait for nothing: it waits for the answer to a receive of its own. */
    final boolean immediate;

    private final long until;
    private final Condition signal = lock.newCondition();
    private List<SqsDelivery> got = List.of();
    private boolean over;

    private Waiter(int max, long until, boolean immediate) {
      this.max = max;
      this.until = until;
      this.immediate = immediate;
    }

    /** What it got so far. */
    List<SqsDelivery> got() {
      return got;
    }

    boolean isServed() {
      return over || !got.isEmpty();
    }

    /** Gives it deliveries, perhaps none. */
    void serve(List<SqsDelivery> deliveries) {
      got = deliveries;
      if (!got.isEmpty()) {
        signal.signal();
      }
    }

    /** It need not wait any longer. */
    void end() {
      over = true;
      signal.signal();
    }
  }

  /** A poll begins to wait. */
  Waiter join(int max, Duration wait) {
    boolean immediate = wait.isZero();
    long nanos =
        immediate
            ? REQUEST_PATIENCE_NANOS
            : (wait.compareTo(LONGEST) > 0 ? LONGEST : wait).toNanos();
    Waiter waiter = new Waiter(max, time.nanoTime() + nanos, immediate);
    waiters.add(waiter);
    return waiter;
  }

  /** Waits until it is served, its time is over, or its thread is interrupted; then it leaves. */
  void await(Waiter waiter) {
    while (!waiter.isServed()) {
      long left = waiter.until - time.nanoTime();
      if (left <= 0) {
        break;
      }
      try {
        waiter.signal.awaitNanos(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        break;
      }
    }
    waiters.remove(waiter);
  }

  /** All who wait, in order. */
  Iterable<Waiter> all() {
    return waiters;
  }

  /** How many deliveries those wait for that have no receive of their own. */
  long demand() {
    long demand = 0;
    for (Waiter waiter : waiters) {
      if (!waiter.immediate && waiter.got.isEmpty()) {
        demand += waiter.max;
      }
    }
    return demand;
  }

  /** How long the most patient of them waits yet, in nanoseconds; zero where none does. */
  long longest(long now) {
    long longest = 0;
    for (Waiter waiter : waiters) {
      if (!waiter.immediate && waiter.got.isEmpty()) {
        longest = Math.max(longest, waiter.until - now);
      }
    }
    return longest;
  }

  /** Nobody need wait any longer. */
  void endAll() {
    waiters.forEach(Waiter::end);
  }
}
