package dev.forebay.queue.sqs;

import dev.forebay.queue.Settlement;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a queue (S1): once, within the grace time, and after what callers may still wait for.
 *
 * <p>Thread-safe.
 */
final class Closing {

  private static final Logger LOG = LoggerFactory.getLogger(SqsWorkQueue.class);

  /** What the end takes beyond the grace time at most. */
  private static final Duration OTHERS_END = Duration.ofSeconds(2);

  private final String name;
  private final Duration grace;
  private final TimeSource time;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final AtomicBoolean started = new AtomicBoolean();
  private final AtomicInteger underWay = new AtomicInteger();
  private volatile boolean closing;
  private volatile boolean closed;
  private volatile boolean ended;

  Closing(String name, Duration grace, TimeSource time) {
    this.name = name;
    this.grace = grace;
    this.time = time;
  }

  /** Whether nothing new is to be begun. */
  boolean isClosing() {
    return closing;
  }

  /** Whether the wait for what is under way is over too. */
  boolean isClosed() {
    return closed;
  }

  /** Counts a settlement among those that the end waits for. */
  CompletableFuture<Settlement> tracked(CompletableFuture<Settlement> settlement) {
    if (!settlement.isDone()) {
      underWay.incrementAndGet();
      var unused =
          settlement.whenComplete(
              (result, failure) -> {
                underWay.decrementAndGet();
                signal();
              });
    }
    return settlement;
  }

  /** Something was decided. */
  void signal() {
    if (closing) {
      lock.lock();
      try {
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  /**
   * Begins the end.
   *
   * @return true for the one caller who has to carry it out; others come back when it is over
   */
  boolean begin() {
    if (started.compareAndSet(false, true)) {
      closing = true;
      return true;
    }
    awaitOther();
    return false;
  }

  /** Nothing is waited for any more. */
  void markClosed() {
    closed = true;
  }

  /** The end is over, for those too who wait for another thread's. */
  void end() {
    ended = true;
    signal();
  }

  private void awaitOther() {
    long end = time.nanoTime() + grace.plus(OTHERS_END).toNanos();
    if (!await(() -> ended, end)) {
      LOG.debug("Another thread still closes {}", name);
    }
  }

  /**
   * Waits until no settlement is under way and nothing is held.
   *
   * @param end how long at most, on {@link TimeSource#nanoTime()}
   * @return false when it took longer
   */
  boolean awaitDecided(BooleanSupplier nothingHeld, long end) {
    return await(() -> underWay.get() == 0 && nothingHeld.getAsBoolean(), end);
  }

  private boolean await(BooleanSupplier isSo, long end) {
    lock.lock();
    try {
      return Uninterrupted.await(changed, isSo, time, end);
    } finally {
      lock.unlock();
    }
  }
}
