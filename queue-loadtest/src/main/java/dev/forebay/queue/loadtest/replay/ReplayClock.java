package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** The time of a replay: nanoseconds since its start, and waiting for one of them. Thread-safe. */
final class ReplayClock {
  private final TimeSource time;
  private volatile long origin;

  /** A clock that counts from now, until {@link #startIn}. */
  ReplayClock(TimeSource time) {
    this.time = time;
    origin = time.nanoTime();
  }

  /** Moves zero to this far from now. */
  void startIn(Duration delay) {
    origin = time.nanoTime() + delay.toNanos();
  }

  /** Time since the start; negative before it. */
  long now() {
    return time.nanoTime() - origin;
  }

  /**
   * Waits until it is {@code at}. Parks, rather than sleeping: a park ends within some tens of
   * microseconds of what was asked for, which a service time of a few milliseconds needs.
   *
   * @throws InterruptedException if the thread is interrupted
   */
  void await(long at) throws InterruptedException {
    for (long left = at - now(); left > 0; left = at - now()) {
      LockSupport.parkNanos(this, left);
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
    }
  }

  /** Waits until it is {@code at}, whoever interrupts. */
  void awaitInSpite(long at) {
    for (long left = at - now(); left > 0; left = at - now()) {
      LockSupport.parkNanos(this, left);
      // A park would end at once while it is set.
      boolean unused = Thread.interrupted();
    }
  }
}
