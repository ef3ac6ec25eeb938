package dev.forebay.queue.kafka;

import dev.forebay.queue.time.SystemTimeSource;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Waits that an interrupt does not cut short, for closing: it has bounds of its own, and whoever
 * closes has often just been told to stop (S1). An interrupt is kept for the caller. Stateless.
 */
final class Uninterrupted {

  private Uninterrupted() {}

  /** A wait of so many nanoseconds at most; whether it ended as was hoped for. */
  interface Wait {
    boolean await(long nanos) throws InterruptedException;
  }

  /** Waits at most so long. */
  static boolean await(Wait wait, Duration within) {
    long end = SystemTimeSource.get().nanoTime() + within.toNanos();
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return wait.await(Math.max(0, end - SystemTimeSource.get().nanoTime()));
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Waits for a latch; whether it opened in time. */
  static boolean await(CountDownLatch latch, Duration within) {
    return await(nanos -> latch.await(nanos, TimeUnit.NANOSECONDS), within);
  }

  /** Waits for the end of a thread; whether it ended in time. */
  static boolean join(Thread thread, Duration within) {
    return await(
        nanos -> {
          // Nothing would mean for ever.
          thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(nanos)));
          return !thread.isAlive();
        },
        within);
  }
}
