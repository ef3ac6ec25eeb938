package dev.forebay.queue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A queue of work: messages go in, deliveries come out, each held under a lease until it is
 * settled.
 *
 * <p>This is both what users hold and what a backend implements. Every backend keeps the same
 * rules, the contract in {@code docs/contract.md}; what a broker cannot do is a number in {@link
 * #capabilities()}, never a silent difference.
 *
 * <p><b>Thread-safety.</b> Every method may be called by any number of threads at once, on one
 * object (P2).
 *
 * <p><b>Futures.</b> The asynchronous methods complete normally with an outcome; they complete
 * exceptionally only by a defect of the library. They may complete on a thread of the backend, so a
 * continuation must be short or be moved to an executor of the caller's. Ignoring a returned future
 * is safe: the queue finishes the operation, also while it closes.
 */
public interface WorkQueue extends AutoCloseable {

  /**
   * The queue's name as its broker knows it: the last part of an SQS URL, a Kafka topic. Never
   * changes.
   */
  String name();

  /**
   * Stores one message. Messages enqueued at about the same time travel in one request; a lone one
   * is held back no longer than the backend's linger, 5 ms by default (E5). Does not block, unless
   * the backend's bounded buffer is full: then it waits for room for a bounded time and ends as
   * {@link ErrorCode#OVERLOADED}.
   *
   * @return the outcome: stored by the backend's own durability promise (E1), a duplicate, or
   *     failed with a code. A message the backend cannot carry fails with {@link
   *     ErrorCode#INVALID_MESSAGE} before anything is sent (E3); after {@link #close()} the code is
   *     {@link ErrorCode#CLOSED}.
   */
  CompletableFuture<EnqueueOutcome> enqueue(Message message);

  /**
   * Stores several messages; completes when the outcome of each is known.
   *
   * @return one outcome per message, in the order of the list (E2); a partial failure touches just
   *     its own entries
   */
  default CompletableFuture<List<EnqueueOutcome>> enqueueAll(List<Message> messages) {
    List<CompletableFuture<EnqueueOutcome>> each = new ArrayList<>(messages.size());
    for (Message message : messages) {
      each.add(enqueue(message));
    }
    return CompletableFuture.allOf(each.toArray(CompletableFuture[]::new))
        .thenApply(done -> each.stream().map(CompletableFuture::join).toList());
  }

  /**
   * Takes up to {@code max} deliveries, each under a lease of its own, waiting at most {@code wait}
   * for the first one (P1).
   *
   * <p>Returns as soon as it has any; returns an empty list when the wait ends, when the queue
   * closes meanwhile, when the broker is out of reach (it backs off and recovers by itself, S3),
   * and when the calling thread is interrupted, whose interrupt flag then stays set. A delivery
   * handed out has at least half of its lease left (P4).
   *
   * @param max at least 1
   * @param wait zero for "what is there now"
   * @throws QueueException with {@link ErrorCode#CLOSED} when the queue was closed before the call
   * @throws IllegalArgumentException when {@code max} is below 1 or {@code wait} is negative
   */
  List<Delivery> poll(int max, Duration wait);

  /**
   * Takes one delivery, waiting at most {@code wait} for it: {@link #poll(int, Duration)} with one.
   */
  default Optional<Delivery> poll(Duration wait) {
    List<Delivery> taken = poll(1, wait);
    return taken.isEmpty() ? Optional.empty() : Optional.of(taken.get(0));
  }

  /**
   * Settles a delivery as done: after {@link Settlement#OK} the message is never delivered again
   * (A2).
   *
   * @return OK when the backend confirmed it while the lease was live; STALE when the lease was
   *     lost before or another settlement came first, and nothing was changed (A1, A3); UNKNOWN
   *     when the request may or may not have arrived
   */
  CompletableFuture<Settlement> ack(Delivery delivery);

  /**
   * Sets the end of the lease to {@code lease} from now, as often as wanted (L3).
   *
   * @param lease between {@link Capabilities#minLease()} and {@link Capabilities#maxLease()}
   * @return OK when the lease was moved; STALE when it was lost or the delivery is settled
   * @throws IllegalArgumentException when {@code lease} is outside those bounds
   */
  CompletableFuture<Settlement> extend(Delivery delivery, Duration lease);

  /**
   * Gives a delivery back: it is delivered again not before {@code delay} and within {@link
   * Capabilities#lateness()} after it (R1).
   *
   * @param cause whether this attempt failed (it counts) or was returned untouched (it does not
   *     count where {@link Capabilities#returnsWithoutAttempt()}, R2)
   * @throws QueueException with {@link ErrorCode#UNSUPPORTED} when {@code delay} is above {@link
   *     Capabilities#maxReleaseDelay()}; the lease is untouched
   */
  CompletableFuture<Settlement> release(Delivery delivery, Duration delay, ReleaseCause cause);

  /**
   * Moves a delivery to the queue's dead letters. The dead letter is written before its source is
   * removed (D1) and carries the message unchanged with {@code cause}, attempts and times (D2).
   *
   * @throws QueueException with {@link ErrorCode#UNSUPPORTED} when the queue has no dead-letter
   *     destination; the lease is untouched
   */
  CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause);

  /**
   * The dead letters of this queue, to look at, bring back or throw away (D3). Asks the broker
   * nothing by itself.
   *
   * @throws QueueException with {@link ErrorCode#UNSUPPORTED} when the queue has no dead-letter
   *     destination, or its backend does not offer this, which is the default
   */
  default DeadLetters deadLetters() {
    throw new QueueException(
        ErrorCode.UNSUPPORTED,
        capabilities().deadLetters()
            ? "The "
                + capabilities().backend()
                + " queue "
                + name()
                + " has dead letters but offers no list or redrive of them; poll their destination."
            : "The queue "
                + name()
                + " has no dead-letter destination. Set one in the queue's builder.");
  }

  /** What this queue can do, in numbers. Never changes and never asks the broker. */
  Capabilities capabilities();

  /**
   * How much is waiting. Asks the broker, so it may block for a request's time; a figure the broker
   * does not know is empty.
   *
   * @throws QueueException when the broker cannot be asked
   */
  QueueDepth depth();

  /**
   * Why the message of this id is where it is: ready, waiting for its key, delayed until, leased
   * since and by whom, dead-lettered because. For people and tools that look for one message; it
   * asks no broker and changes nothing, but may look through all that this process holds.
   *
   * <p>What a backend cannot know it says to be unknown and never guesses (S4): memory knows
   * everything; the others know what this queue object holds.
   *
   * @param id as {@link EnqueueOutcome.Enqueued} and {@link Delivery#id()} give it
   */
  default Explanation explain(String id) {
    return Explanation.unknown(
        id,
        "Unknown here: the "
            + capabilities().backend()
            + " queue "
            + name()
            + " does not look for single messages.");
  }

  /**
   * The escape hatch: the broker's own client or another object behind this queue.
   *
   * @throws QueueException with {@link ErrorCode#UNSUPPORTED} when there is none of this type
   */
  <T> T unwrap(Class<T> type);

  /**
   * Drains and closes, in at most the grace time of the queue's builder plus one second (S1).
   * Idempotent; a second caller waits for the first.
   *
   * <p>No new deliveries; waiting polls return; what was received but not handed out is given back
   * at once; deliveries in the callers' hands may still be settled until the grace time ends;
   * buffers are flushed; no thread is left behind. A delivery nobody settled in time stays leased
   * and comes back by its lease. Closing does not close a client that the caller brought.
   */
  @Override
  void close();
}
