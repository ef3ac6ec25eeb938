package dev.forebay.queue.spi;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A delivery with the lease state machine every backend shares; a backend extends it with its
 * receipt.
 *
 * <p>A delivery is <i>held</i> until exactly one of these decides it (A1): a settlement, which
 * passes through <i>settling</i> while the broker is asked, or the loss of the lease, by its end on
 * the monotonic clock or because the backend learned of it. Staleness is judged here and not by the
 * broker, which may answer a late ack with success (A3):
 *
 * <ol>
 *   <li>{@link #beginSettlement()}: false means STALE, and nothing may be sent;
 *   <li>ask the broker;
 *   <li>{@link #settled()} when it confirmed or when nobody knows, {@link #reopen()} when it surely
 *       did nothing.
 * </ol>
 *
 * <p>Thread-safe. Listeners run outside the lock.
 */
public abstract class LeasedDelivery implements Delivery {

  private enum State {
    HELD,
    SETTLING,
    SETTLED,
    LOST
  }

  private final WorkQueue queue;
  private final Envelope envelope;
  private final long fencingToken;
  private final TimeSource time;
  private final Object lock = new Object();
  private State state = State.HELD;
  private long deadlineNanos;
  private List<Runnable> listeners = List.of();
  private TimeSource.@Nullable Timer expiry;

  /**
   * A delivery whose lease is live.
   *
   * @param deadlineNanos end of the lease on {@link TimeSource#nanoTime()}, counted from before the
   *     broker was asked, so that it never lies after the broker's own
   */
  protected LeasedDelivery(
      WorkQueue queue, Envelope envelope, long fencingToken, TimeSource time, long deadlineNanos) {
    this.queue = queue;
    this.envelope = envelope;
    this.fencingToken = fencingToken;
    this.time = time;
    this.deadlineNanos = deadlineNanos;
  }

  /**
   * Runs once when the delivery is decided, by settlement or loss; must not block or take locks
   * that call back here.
   */
  protected void decided() {}

  /** The message with the library's own data. */
  public final Envelope envelope() {
    return envelope;
  }

  @Override
  public final WorkQueue queue() {
    return queue;
  }

  @Override
  public final String id() {
    return envelope.id();
  }

  @Override
  public final Message message() {
    return envelope.message();
  }

  @Override
  public final Attempts attempts() {
    return envelope.attempts();
  }

  @Override
  public final Instant enqueuedAt() {
    return envelope.enqueuedAt();
  }

  @Override
  public final Optional<DeadLetter> deadLetter() {
    return Optional.ofNullable(envelope.deadLetter());
  }

  @Override
  public final long fencingToken() {
    return fencingToken;
  }

  /** End of the lease on {@link TimeSource#nanoTime()}. */
  public final long deadlineNanos() {
    synchronized (lock) {
      return deadlineNanos;
    }
  }

  @Override
  public final Instant leaseUntil() {
    return time.now().plusNanos(deadlineNanos() - time.nanoTime());
  }

  @Override
  public final Duration leaseRemaining() {
    synchronized (lock) {
      return state == State.HELD || state == State.SETTLING
          ? Duration.ofNanos(Math.max(0, deadlineNanos - time.nanoTime()))
          : Duration.ZERO;
    }
  }

  @Override
  public final boolean isLost() {
    expireIfDue();
    synchronized (lock) {
      return state == State.LOST;
    }
  }

  /** Whether the delivery is held under a live lease, so that a settlement may still begin. */
  public final boolean isHeld() {
    expireIfDue();
    synchronized (lock) {
      return state == State.HELD;
    }
  }

  @Override
  public final void onLost(Runnable listener) {
    expireIfDue();
    synchronized (lock) {
      if (state == State.HELD || state == State.SETTLING) {
        if (listeners.isEmpty()) {
          listeners = new ArrayList<>(1);
          watch();
        }
        listeners.add(listener);
        return;
      }
      if (state == State.SETTLED) {
        return;
      }
    }
    listener.run();
  }

  /** Claims the right to settle: true once, while the lease is live; false means STALE. */
  public final boolean beginSettlement() {
    expireIfDue();
    synchronized (lock) {
      if (state != State.HELD) {
        return false;
      }
      state = State.SETTLING;
      return true;
    }
  }

  /**
   * Ends a settlement that the broker confirmed, or of which nobody knows.
   *
   * @return whether the lease was still live at this moment; a confirmation that comes later is
   *     UNKNOWN where the broker confirms stale settlements too
   */
  public final boolean settled() {
    boolean live;
    synchronized (lock) {
      if (state != State.SETTLING) {
        return false;
      }
      state = State.SETTLED;
      live = deadlineNanos - time.nanoTime() > 0;
      stopWatching();
    }
    decided();
    return live;
  }

  /**
   * Ends a settlement that surely changed nothing: the delivery is held again, or lost if its lease
   * ended meanwhile.
   */
  public final void reopen() {
    synchronized (lock) {
      if (state == State.SETTLING) {
        state = State.HELD;
      }
    }
    expireIfDue();
  }

  /**
   * Moves the end of the lease after the broker did. Runs no listener, so a backend may hold its
   * own locks.
   *
   * @return false when the delivery is no longer held: then the extension is STALE
   */
  public final boolean extendedTo(long newDeadlineNanos) {
    synchronized (lock) {
      if (state != State.HELD || deadlineNanos - time.nanoTime() <= 0) {
        return false;
      }
      deadlineNanos = newDeadlineNanos;
      if (expiry != null) {
        expiry.cancel();
        watch();
      }
      return true;
    }
  }

  /**
   * Ends the lease because the backend learned that it is gone: superseded, partition moved,
   * receipt refused (L4).
   */
  public final void lose() {
    List<Runnable> toRun;
    synchronized (lock) {
      if (state == State.SETTLED || state == State.LOST) {
        return;
      }
      state = State.LOST;
      toRun = listeners;
      stopWatching();
    }
    decided();
    toRun.forEach(Runnable::run);
  }

  private void expireIfDue() {
    synchronized (lock) {
      if (state != State.HELD || deadlineNanos - time.nanoTime() > 0) {
        return;
      }
    }
    lose();
  }

  /** Only deliveries that somebody listens to cost a timer. */
  private void watch() {
    expiry = time.schedule(Duration.ofNanos(deadlineNanos - time.nanoTime()), this::expireIfDue);
  }

  private void stopWatching() {
    listeners = List.of();
    if (expiry != null) {
      expiry.cancel();
      expiry = null;
    }
  }

  /** Id, attempt and state; never the body. */
  @Override
  public final String toString() {
    synchronized (lock) {
      return "Delivery[" + id() + ", attempt " + attempt() + ", " + state + "]";
    }
  }
}
