package dev.forebay.queue.worker;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.LeaseLostException;
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
}
