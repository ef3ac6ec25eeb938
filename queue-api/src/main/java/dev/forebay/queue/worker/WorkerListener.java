package dev.forebay.queue.worker;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Settlement;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Hears of everything a worker does, for metrics, traces and logs (W7). Every method does nothing
 * unless overridden.
 *
 * <p>What becomes of a delivery is told when the queue has confirmed it: {@link #acked}, {@link
 * #retried}, {@link #throttled}, {@link #returned} or {@link #deadLettered}, after {@link #skipped}
 * where the handler did not run. Otherwise it is {@link #unsettled}. The next delivery of the same
 * message may be heard of before that.
 *
 * <p>Called by many threads at once, on the threads of handlers, of the poll, of timers and of the
 * queue: a method must be thread-safe and must not block. What it throws is logged once and harms
 * nobody. The deliveries are for reading.
 */
public interface WorkerListener {

  /** A delivery was received. */
  default void received(Delivery delivery) {}

  /**
   * A handler starts, on the calling thread.
   *
   * @param age time since the message was first enqueued
   * @param waited time since it was received
   */
  default void started(Delivery delivery, Duration age, Duration waited) {}

  /**
   * A handler has ended, on the calling thread; what becomes of the message follows.
   *
   * @param failure what it threw, if it did
   */
  default void finished(
      Delivery delivery, HandlerEnd end, Duration ran, @Nullable Throwable failure) {}

  /** A delivery was settled without running the handler; what it was settled as follows. */
  default void skipped(Delivery delivery, SkipReason why) {}

  /** Acked: the message is done and does not come again. */
  default void acked(Delivery delivery) {}

  /** Released for another attempt after this delay. */
  default void retried(Delivery delivery, Duration after) {}

  /** Given back without burning an attempt because a downstream asked for less. */
  default void throttled(Delivery delivery, Duration after) {}

  /** Given back without burning an attempt. */
  default void returned(Delivery delivery) {}

  /** Moved to the dead letters. */
  default void deadLettered(Delivery delivery, DeadLetterCause cause) {}

  /**
   * A settlement ended otherwise than OK: {@link Settlement#STALE}, which changed nothing, or
   * UNKNOWN, also when it ended with an exception.
   */
  default void unsettled(Delivery delivery, Settlement result) {}

  /** A lease was lost before the delivery was settled (L4). */
  default void leaseLost(Delivery delivery) {}

  /**
   * A handler's time was spent in vain: the lease was lost while it ran, or before what it did
   * could be settled (W2). Told when the handler has ended, or when its settlement turned out to be
   * too late; what runs on without a lease is among {@link WorkerStats#hung}.
   *
   * @param ran how long it ran
   */
  default void wasted(Delivery delivery, Duration ran) {}

  /**
   * A lease was extended.
   *
   * @param margin what was left of it
   */
  default void extended(Delivery delivery, Duration margin) {}

  /**
   * An extension was not confirmed; the next look at the leases tries again, and tells {@link
   * #leaseLost} when it was one too many.
   *
   * @param failure what it ended with; null when the queue does not know whether it was applied
   */
  default void extensionFailed(Delivery delivery, @Nullable Throwable failure) {}

  /**
   * How a gate stands (W6): told when the worker starts, and whenever it opened or closed.
   *
   * @param name as given to the builder; {@code paused} and {@code throttled} are the worker's own
   */
  default void gate(String name, boolean open) {}

  /** Intake stopped because a gate is closed or the worker is paused (W6). */
  default void intakeStopped() {}

  /** Intake goes on. */
  default void intakeResumed() {}

  /** The breaker of a message type changed its state (W4). */
  default void breakerChanged(String type, BreakerState state) {}

  /** The concurrency limit has worked out another number of handlers that may run at once (W6). */
  default void limitChanged(int estimate) {}

  /**
   * A dedup store knows the work of a delivery (U2). What becomes of the delivery follows: it is
   * {@link #skipped} when the work is finished, and when equal work that is in flight ends as done.
   */
  default void duplicate(Delivery delivery, DuplicateKind kind) {}

  /**
   * A handler's progress was saved, for the next attempt to go on from.
   *
   * @param bytes how much it is
   */
  default void progressSaved(Delivery delivery, int bytes) {}

  /** A store does not answer as it should; told once, until it works again. */
  default void storeDown(StoreKind store, @Nullable Throwable failure) {}

  /** A store that was down works again: told with the first call that succeeds. */
  default void storeUp(StoreKind store) {}

  /**
   * The worker begins to drain (S1), on the thread that drains it. A method that closes the worker
   * here does not wait for it.
   *
   * @param how what is done about running handlers
   */
  default void drainBegun(Drain how) {}

  /**
   * The worker has drained and stopped, and tells nothing more except of handlers that did not end.
   *
   * @param took how long that took
   * @param left deliveries still in the hands of handlers that do not end, or of a queue that does
   *     not answer; they come back when their leases end
   */
  default void drainEnded(Duration took, int left) {}
}
