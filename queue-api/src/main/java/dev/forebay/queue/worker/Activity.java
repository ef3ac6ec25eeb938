package dev.forebay.queue.worker;

import dev.forebay.queue.policy.Backoff;
import dev.forebay.queue.policy.Jitter;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a worker has anything in hand, and who is told so. It becomes busy at once and idle only
 * after a while, so that a slow trickle of messages is one busy time.
 *
 * <p>There is one wanted state and one told state, and one thread at a time that brings the second
 * to the first: calls come one after another, alternate, and at most one waits. The thread ends
 * when there is nothing to tell.
 *
 * <p>Thread-safe. Taking and giving back slots costs one counter unless the first or the last one
 * is concerned.
 */
final class Activity {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private static final Backoff AFTER_ERRORS =
      Backoff.exponential(Duration.ofSeconds(1), Duration.ofMinutes(1)).jitter(Jitter.EQUAL);

  private final ScaleInProtection protection;
  private final Duration linger;
  private final TimeSource time;
  private final String threadName;
  private final AtomicInteger inHand = new AtomicInteger();

  private final Object lock = new Object();
  private boolean wanted;

  /** Null when nobody knows: a call that failed may have been heard. */
  private @Nullable Boolean told = false;

  private boolean closed;
  private @Nullable Thread teller;
  private TimeSource.@Nullable Timer lingering;
  private TimeSource.@Nullable Timer again;
  private long idleSinceNanos;
  private int failures;

  /**
   * Idle, as whoever is told knows.
   *
   * @param linger how long it has nothing in hand before it is idle
   */
  Activity(ScaleInProtection protection, Duration linger, TimeSource time, String threadName) {
    this.protection = protection;
    this.linger = linger;
    this.time = time;
    this.threadName = threadName;
  }

  /** So many more are in hand. */
  void took(int count) {
    if (inHand.getAndAdd(count) == 0) {
      changed();
    }
  }

  /** One less is in hand. */
  void gaveBack() {
    if (inHand.decrementAndGet() == 0) {
      changed();
    }
  }

  /** Looks for itself: of two changes the later one may come here first. */
  private void changed() {
    synchronized (lock) {
      if (inHand.get() > 0) {
        want(true);
      } else if (wanted) {
        idleSinceNanos = time.nanoTime();
        if (closed) {
          want(false);
        } else if (lingering == null) {
          lingering = time.schedule(linger, this::lingered);
        }
      }
    }
  }

  private void lingered() {
    synchronized (lock) {
      lingering = null;
      if (inHand.get() > 0 || closed) {
        return;
      }
      Duration left = linger.minusNanos(time.nanoTime() - idleSinceNanos);
      if (left.isNegative() || left.isZero()) {
        want(false);
      } else {
        lingering = time.schedule(left, this::lingered);
      }
    }
  }

  /** With the lock. */
  private void want(boolean busy) {
    wanted = busy;
    if (!isTold() && teller == null && again == null) {
      startTelling();
    }
  }

  /** With the lock. */
  private boolean isTold() {
    Boolean last = told;
    return last != null && last == wanted;
  }

  /** With the lock. */
  private void startTelling() {
    Thread thread = new Thread(this::tell, threadName);
    thread.setDaemon(true);
    teller = thread;
    boolean started = false;
    try {
      thread.start();
      started = true;
    } finally {
      if (!started) {
        teller = null;
      }
    }
  }

  private void tell() {
    while (true) {
      boolean state;
      synchronized (lock) {
        if (isTold() || again != null) {
          teller = null;
          return;
        }
        state = wanted;
      }
      Throwable failure = null;
      try {
        protection.changed(state);
      } catch (Throwable e) {
        failure = e;
      }
      ended(state, failure);
    }
  }

  private void ended(boolean state, @Nullable Throwable failure) {
    synchronized (lock) {
      if (failure == null) {
        told = state;
        failures = 0;
        return;
      }
      failures++;
      if (failures == 1) {
        LOG.warn(
            "The scale-in protection could not be told that the worker is {}; it is told again with"
                + " growing pauses",
            state ? "busy" : "idle",
            failure);
      }
      // Once closed there is no later: each state is tried once.
      told = (closed && state == wanted) ? (Boolean) state : null;
      if (!closed) {
        again = time.schedule(AFTER_ERRORS.delay(failures), this::tellAgain);
      }
    }
  }

  private void tellAgain() {
    synchronized (lock) {
      again = null;
      if (!isTold() && teller == null) {
        startTelling();
      }
    }
  }

  /**
   * The worker has ended: what it has let go of is told without a linger. Handlers that do not end
   * keep it busy.
   *
   * @return the thread that tells, if there is something to tell
   */
  @Nullable Thread close() {
    synchronized (lock) {
      closed = true;
      if (lingering != null) {
        lingering.cancel();
        lingering = null;
      }
      if (again != null) {
        again.cancel();
        again = null;
      }
      want(inHand.get() > 0);
      return teller;
    }
  }
}
