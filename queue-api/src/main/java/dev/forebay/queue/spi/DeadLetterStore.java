package dev.forebay.queue.spi;

import dev.forebay.queue.EnqueueOutcome;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * What a backend fills in so that {@link DeadLetterBench} gives its users the whole of {@link
 * dev.forebay.queue.DeadLetters}: how to walk over its dead letters, and how to move or remove one.
 *
 * <p>Thread-safe; each walk is used by one thread.
 */
public interface DeadLetterStore {

  /** Starts a walk over the dead letters that are there now. */
  Walk walk();

  /**
   * How many dead letters a walk should be asked for at a time: what the broker moves in one go.
   */
  int batch();

  /** A dead letter as the backend found it; a backend's own type knows where. */
  interface Found {

    /** The message, with its {@link Envelope#deadLetter()} set. */
    Envelope envelope();
  }

  /** One walk over the dead letters, which sees each at most once. Not thread-safe. */
  interface Walk extends AutoCloseable {

    /**
     * The next ones: at most {@code max}, and an empty list when there are no more to be seen.
     * Waits for nothing but the broker.
     */
    List<Found> next(int max);

    /** Whether the walk ended before it had seen all, because a bound of its own was reached. */
    boolean cut();

    /**
     * Enqueues {@link Envelope#redriven()} on the queue and, once that is stored, removes the dead
     * letter (D1). Completes within the broker's own time-outs, perhaps not before {@link
     * #finish()}.
     *
     * @return empty when both are done; AMBIGUOUS when the message may be in both places
     */
    CompletableFuture<Optional<EnqueueOutcome.Failed>> redrive(Found found);

    /** Removes the dead letter; the result as above. */
    CompletableFuture<Optional<EnqueueOutcome.Failed>> discard(Found found);

    /**
     * Does what is left of the redrives and discards begun so far and can only be done on this
     * thread. By default nothing is.
     */
    default void finish() {}

    /** Ends the walk; finishes, and gives back whatever it still holds. */
    @Override
    void close();
  }
}
