package dev.forebay.queue.worker;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Where one thread waits for a condition that others bring about; telling it costs the others one
 * volatile read while nobody waits.
 *
 * <p>At most one thread waits at a time; any thread may signal. Whoever changes what the condition
 * depends on does so by volatile writes and signals afterwards: the waiter announces itself before
 * it looks at the condition, so one of the two sees the other.
 */
final class Waiter {

  private volatile @Nullable Thread waiting;
  private volatile boolean interrupted;

  /** Wakes the waiting thread, if there is one, to look at its condition again. */
  void signal() {
    Thread thread = waiting;
    if (thread != null) {
      LockSupport.unpark(thread);
    }
  }

  /** Whether a thread was interrupted while it waited here, ever. */
  boolean wasInterrupted() {
    return interrupted;
  }

  /** Waits until the condition holds. An interrupt is noted and cleared and ends nothing. */
  void await(BooleanSupplier condition) {
    if (condition.getAsBoolean()) {
      return;
    }
    waiting = Thread.currentThread();
    try {
      while (!condition.getAsBoolean()) {
        LockSupport.park(this);
        // A set flag would turn park into a busy loop.
        if (Thread.interrupted()) {
          interrupted = true;
        }
      }
    } finally {
      waiting = null;
    }
  }

  /**
   * Waits until the condition holds or {@code atMost} has passed.
   *
   * @return whether the condition holds
   */
  boolean await(BooleanSupplier condition, Duration atMost, TimeSource time) {
    if (condition.getAsBoolean()) {
      return true;
    }
    Alarm alarm = new Alarm();
    TimeSource.Timer timer =
        time.schedule(
            atMost,
            () -> {
              alarm.rang = true;
              signal();
            });
    try {
      await(() -> alarm.rang || condition.getAsBoolean());
    } finally {
      timer.cancel();
    }
    return condition.getAsBoolean();
  }

  private static final class Alarm {
    volatile boolean rang;
  }
}
