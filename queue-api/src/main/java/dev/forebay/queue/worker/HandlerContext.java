package dev.forebay.queue.worker;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.LeaseLostException;
import dev.forebay.queue.progress.ProgressStore;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * What a handler can know about the attempt it is running. Thread-safe: a handler may pass it to
 * threads of its own.
 */
public interface HandlerContext {

  /**
   * The delivery being handled. The worker extends and settles it; a handler that settles it itself
   * makes the worker's settlement a stale one, which changes nothing (A1).
   */
  Delivery delivery();

  /** Which attempt this is, from 1. */
  int attempt();

  /** When the work is no longer wanted, if the message says so. */
  Optional<Instant> deadline();

  /**
   * How much time is left until the {@link #deadline()}, zero once it has passed; empty without a
   * deadline. Work whose deadline has passed is not started (W5), but it is not stopped either.
   */
  Optional<Duration> timeRemaining();

  /**
   * Whether the lease is lost: then the message may be running elsewhere, the result will not be
   * acked, and it is best to stop (L4, W2).
   */
  boolean isLeaseLost();

  /**
   * Returns while the lease is held; good between two steps of a long job.
   *
   * @throws LeaseLostException when it is lost
   */
  void checkLease();

  /** How much of the lease is left; the worker extends it while the handler runs. */
  Duration leaseRemaining();

  /**
   * A number larger than that of every earlier delivery of this message: write a result only where
   * no larger one has been written (L5).
   */
  long fencingToken();

  /** What {@link #keepResult} takes at most. */
  int MAX_RESULT_BYTES = 65_536;

  /**
   * Keeps a small result with the completion of this work in the worker's dedup store, for the
   * answer to duplicates; the last one counts. Without a dedup store it has no effect.
   *
   * @throws IllegalArgumentException above {@link #MAX_RESULT_BYTES}
   */
  void keepResult(byte[] result);

  /**
   * What {@link #saveProgress} and {@link #checkpoint} take at most: 64 KiB. Keep more than that
   * elsewhere, and where as the progress.
   */
  int MAX_PROGRESS_BYTES = ProgressStore.MAX_BYTES;

  /**
   * How far this message's work had come when it was last saved, by an earlier attempt or this one:
   * where to go on. Asks the worker's progress store, so it may block for a bounded time.
   *
   * @return empty when nothing is known: none was saved, the store has forgotten or fails, or the
   *     worker has none; then the work begins anew
   */
  Optional<byte[]> progress();

  /**
   * Saves how far the work has come, for the next attempt if this one does not get to its end; the
   * last one counts. Forgotten once the message is acked. Asks the worker's progress store, so it
   * may block for a bounded time; how often to save is a matter of what it costs to do work again.
   *
   * @return false when it is not saved: a later attempt has taken over, the store fails or the
   *     worker has none; the work may go on
   * @throws IllegalArgumentException above {@link #MAX_PROGRESS_BYTES}
   */
  boolean saveProgress(byte[] progress);

  /**
   * {@link #saveProgress}, and the place where the handler may be stopped: when the worker drains
   * by {@link Drain#CHECKPOINT} or is about to interrupt the handler anyway, this throws and the
   * message is given back without burning an attempt, whatever the handler does after that.
   *
   * @throws GiveBackException to be let pass
   * @throws IllegalArgumentException above {@link #MAX_PROGRESS_BYTES}
   */
  void checkpoint(byte[] progress);

  /** Whether the worker drains: it takes nothing new, and ends within its grace time (S1). */
  boolean isDraining();

  /**
   * How long the worker still waits for handlers before it interrupts them; empty unless it {@link
   * #isDraining}.
   */
  Optional<Duration> drainRemaining();

  /**
   * Runs this once when the worker begins to drain: at once if it already does, never when the
   * handler has ended before. Runs on the thread that closes the worker; must not block.
   */
  void onDrain(Runnable listener);
}
