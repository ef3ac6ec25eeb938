package dev.forebay.queue.sqs;

import dev.forebay.queue.time.TimeSource;
import java.util.concurrent.locks.Condition;
import java.util.function.BooleanSupplier;

/**
 * A wait that an interrupt does not cut short, for closing: it has bounds of its own, and whoever
 * closes has often just been told to stop (S1). Stateless.
 */
final class Uninterrupted {

  private Uninterrupted() {}

  /**
   * Waits until something is so; keeps an interrupt for the caller.
   *
   * @param changed signalled when it may be so; its lock is held
   * @param end how long at most, on {@link TimeSource#nanoTime()}
   * @return false when it took longer
   */
  static boolean await(Condition changed, BooleanSupplier isSo, TimeSource time, long end) {
    boolean interrupted = false;
    try {
      while (!isSo.getAsBoolean()) {
        long left = end - time.nanoTime();
        if (left <= 0) {
          return false;
        }
        try {
          // Whether it is so decides, not what this says.
          long unused = changed.awaitNanos(left);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      return true;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
