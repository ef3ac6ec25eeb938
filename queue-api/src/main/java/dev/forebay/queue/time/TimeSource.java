package dev.forebay.queue.time;

import java.time.Duration;
import java.time.Instant;

/**
 * The one source of time of everything in the library: a wall clock for stamps that other processes
 * read, monotonic nanoseconds for leases and waits, and timers.
 *
 * <p>{@link SystemTimeSource} is the real one; {@link ManualTimeSource} is set by hand, for tests
 * that need no waiting.
 *
 * <p>Implementations are thread-safe. To wait for a condition with a bound, schedule a signal and
 * wait for the condition without one: then the wait also ends when a manual time source is
 * advanced.
 */
public interface TimeSource {

  /** The wall clock, which may be set back; only for stamps that leave the process. */
  Instant now();

  /** Monotonic nanoseconds from an arbitrary origin; compare by difference only. */
  long nanoTime();

  /**
   * Runs {@code task} once, not before {@code delay} has passed, on a thread of the time source.
   * The task must not block: it shares its thread with every other timer. What it throws is logged
   * and changes nothing else.
   *
   * @param delay zero or negative: as soon as possible
   */
  Timer schedule(Duration delay, Runnable task);

  /** A task that waits for its time. */
  interface Timer {

    /** Keeps the task from running if it has not started; idempotent. */
    void cancel();
  }
}
