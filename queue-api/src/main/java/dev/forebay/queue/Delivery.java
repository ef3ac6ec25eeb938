package dev.forebay.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * One hand-out of a message: the exclusive, time-limited right to work on it.
 *
 * <p>Exactly one of ack, release, dead-letter or the end of the lease decides a delivery; any later
 * call says {@link Settlement#STALE} and changes nothing (A1). The settlement calls here are those
 * of {@link #queue()} and return what those return. Backends extend {@link
 * dev.forebay.queue.spi.LeasedDelivery}.
 *
 * <p>Thread-safe.
 */
public interface Delivery {

  /** The queue this delivery came from, through which it is settled. */
  WorkQueue queue();

  /** The message's id, given at enqueue; the same on every attempt and on its dead letter. */
  String id();

  /** The message, byte for byte as it was enqueued (E3). */
  Message message();

  /** Which attempt this is: 1 the first time, one more for each earlier failure or lost lease. */
  default int attempt() {
    return attempts().next();
  }

  /**
   * What became of the earlier deliveries of this message, by cause, as far as the backend can
   * tell.
   */
  Attempts attempts();

  /** When the message was first enqueued; unchanged by retries, dead-lettering and redrive (P3). */
  Instant enqueuedAt();

  /** When the lease ends, by the local clock; moves with {@link #extend}. */
  Instant leaseUntil();

  /**
   * How much of the lease is left, by the monotonic clock; zero when it is lost or the delivery
   * settled.
   */
  Duration leaseRemaining();

  /**
   * A number larger than that of every earlier delivery of this message, for conditional writes
   * downstream (L5). How far it holds is {@link Capabilities#fencing()}.
   */
  long fencingToken();

  /** Whether the lease ended before a settlement. Once true it stays true (L4). */
  boolean isLost();

  /**
   * Runs {@code listener} once when the lease is lost: at once if it already is, never if the
   * delivery is settled first. Runs on a timer thread or the thread that noticed; must not block.
   */
  void onLost(Runnable listener);

  /** What this message died of, when it was polled from a dead-letter destination. */
  Optional<DeadLetter> deadLetter();

  /** Settles as done; see {@link WorkQueue#ack}. */
  default CompletableFuture<Settlement> ack() {
    return queue().ack(this);
  }

  /** Moves the end of the lease to {@code lease} from now; see {@link WorkQueue#extend}. */
  default CompletableFuture<Settlement> extend(Duration lease) {
    return queue().extend(this, lease);
  }

  /** Gives back as failed, to be delivered again at once. */
  default CompletableFuture<Settlement> release() {
    return release(Duration.ZERO);
  }

  /**
   * Gives back as failed, to be delivered again after {@code delay}; see {@link WorkQueue#release}.
   */
  default CompletableFuture<Settlement> release(Duration delay) {
    return queue().release(this, delay, ReleaseCause.FAILED);
  }

  /** Gives back untouched, without burning an attempt where the backend can (R2). */
  default CompletableFuture<Settlement> giveBack() {
    return queue().release(this, Duration.ZERO, ReleaseCause.RETURNED);
  }

  /** Moves to the dead letters; see {@link WorkQueue#deadLetter}. */
  default CompletableFuture<Settlement> deadLetter(DeadLetterCause cause) {
    return queue().deadLetter(this, cause);
  }
}
