package dev.forebay.queue.kafka;

import dev.forebay.queue.spi.Envelope;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/**
 * Messages that wait outside of the queue's topic until they are due, for both modes. Thread-safe.
 *
 * <p>A message that is due is written to the topic again, as a new record with the same id: it
 * costs no lane, no pause of a partition and no place in memory while it waits, and it survives the
 * process. Whoever moves a message to here stores it first and settles the old record when that is
 * confirmed; a crash in between leaves one copy more, never one less.
 */
interface Delays {

  /** The longest delay; zero where there is no delay topic. */
  Duration longest();

  /**
   * Stores a message until it is due; the future ends exceptionally with Kafka's own exception.
   *
   * @param copy its number is one more than the record had that it came from
   * @param notBefore when it may be delivered, in milliseconds of the wall clock
   */
  CompletableFuture<Void> store(Envelope envelope, Copy copy, long notBefore);

  /**
   * Takes part, from now on, in moving messages that are due. Every process that polls does: what
   * is due while none does waits for the first one. Idempotent.
   */
  void start();

  /**
   * Asks the broker how many messages wait; empty where there is no delay topic.
   *
   * @throws dev.forebay.queue.QueueException when it does not answer
   */
  OptionalLong waiting();

  /** Moves nothing more from now on; does not wait. */
  void stop();

  /** Ends what {@link #start} began, within this time; {@link #store} still works. */
  void close(Duration within);

  /** A queue without a delay topic. */
  Delays NONE =
      new Delays() {
        @Override
        public Duration longest() {
          return Duration.ZERO;
        }

        @Override
        public CompletableFuture<Void> store(Envelope envelope, Copy copy, long notBefore) {
          return CompletableFuture.failedFuture(
              new UnsupportedOperationException("The queue was built without delays."));
        }

        @Override
        public void start() {}

        @Override
        public OptionalLong waiting() {
          return OptionalLong.empty();
        }

        @Override
        public void stop() {}

        @Override
        public void close(Duration within) {}
      };
}
