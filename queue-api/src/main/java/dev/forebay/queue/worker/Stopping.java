package dev.forebay.queue.worker;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether a worker is closing, and how. What it says turns from no to yes once, and is set before
 * anybody is told or looked for: whoever comes too late to be found asks here.
 *
 * <p>Thread-safe.
 */
final class Stopping {

  private final TimeSource time;
  private volatile @Nullable Drain how;
  private volatile boolean cutting;
  private volatile long untilNanos;

  Stopping(TimeSource time) {
    this.time = time;
  }

  /**
   * Begins the end.
   *
   * @return whether it had not begun before
   */
  synchronized boolean begin(Drain drain, Duration grace) {
    if (how != null) {
      return false;
    }
    // A century, far enough from the range of a long for differences not to overflow.
    Duration longest = Duration.ofDays(36_500);
    untilNanos = time.nanoTime() + (grace.compareTo(longest) < 0 ? grace : longest).toNanos();
    cutting = drain == Drain.HAND_BACK;
    how = drain;
    return true;
  }

  /** Whether it has begun. */
  boolean get() {
    return how != null;
  }

  /** Whether handlers are to stop where they can be gone on with. */
  boolean wantsCheckpoints() {
    return how == Drain.CHECKPOINT || cutting;
  }

  /** Handlers are interrupted from now on. */
  void cut() {
    cutting = true;
  }

  /** Whether handlers are interrupted. */
  boolean cuts() {
    return cutting;
  }

  /** What is left of the grace time; empty before it has begun. */
  Optional<Duration> remaining() {
    if (how == null) {
      return Optional.empty();
    }
    return Optional.of(Duration.ofNanos(Math.max(0, untilNanos - time.nanoTime())));
  }
}
