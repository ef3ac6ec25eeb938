package dev.forebay.queue.time;

import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A time source that stands still until {@link #advance} moves it: tests of leases, delays and
 * backoff then take no time and always go the same way.
 *
 * <p>Thread-safe. Timers run on the thread that advances, in order of their time and, at the same
 * time, in the order they were scheduled; while one runs, the clock shows its time. A timer that
 * fails makes {@code advance} fail.
 */
public final class ManualTimeSource implements TimeSource {

  private static final Instant EPOCH = Instant.parse("2026-01-01T00:00:00Z");

  private final Object lock = new Object();
  private final TreeSet<Task> tasks =
      new TreeSet<>(
          Comparator.<Task>comparingLong(task -> task.at).thenComparingLong(task -> task.sequence));
  private long nanos;
  private long sequence;

  /** A clock that stands at the start of 2026. */
  public ManualTimeSource() {}

  @Override
  public Instant now() {
    return EPOCH.plusNanos(nanoTime());
  }

  @Override
  public long nanoTime() {
    synchronized (lock) {
      return nanos;
    }
  }

  @Override
  public Timer schedule(Duration delay, Runnable task) {
    synchronized (lock) {
      long wait =
          Math.max(
              0,
              delay.compareTo(Duration.ofDays(36_500)) > 0 ? Long.MAX_VALUE / 4 : delay.toNanos());
      Task scheduled = new Task(nanos + wait, sequence++, task);
      tasks.add(scheduled);
      return () -> {
        synchronized (lock) {
          tasks.remove(scheduled);
        }
      };
    }
  }

  /**
   * Moves the clock on, running on the way every timer that comes due, also those scheduled by
   * other timers.
   */
  public void advance(Duration by) {
    if (by.isNegative()) {
      throw new IllegalArgumentException("Time does not go back: " + by);
    }
    long target;
    synchronized (lock) {
      target = nanos + by.toNanos();
    }
    while (true) {
      Task due = nextUntil(target);
      if (due == null) {
        return;
      }
      due.body.run();
    }
  }

  /**
   * How many timers wait for their time; lets a test know that another thread has begun to wait.
   */
  public int pendingTimers() {
    synchronized (lock) {
      return tasks.size();
    }
  }

  private @Nullable Task nextUntil(long target) {
    synchronized (lock) {
      if (tasks.isEmpty() || tasks.first().at > target) {
        nanos = Math.max(nanos, target);
        return null;
      }
      Task first = tasks.pollFirst();
      if (first != null) {
        nanos = Math.max(nanos, first.at);
      }
      return first;
    }
  }

  private static final class Task {
    final long at;
    final long sequence;
    final Runnable body;

    Task(long at, long sequence, Runnable body) {
      this.at = at;
      this.sequence = sequence;
      this.body = body;
    }
  }
}
