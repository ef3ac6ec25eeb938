package dev.forebay.queue;

import java.time.Instant;

/**
 * What a dead letter tells beside the message itself (D2); the message, its id, key, headers and
 * first-enqueued time are those of the delivery that carries it.
 *
 * @param cause why it died
 * @param attempts how its deliveries ended, the last one included where it counts
 * @param lastDelivered when it was last delivered
 * @param origin name of the queue it came from
 * @param redrives how often the message had been brought back from the dead letters before it died
 *     this time (D3)
 */
public record DeadLetter(
    DeadLetterCause cause, Attempts attempts, Instant lastDelivered, String origin, int redrives) {

  /** The dead letter of a message that was never redriven. */
  public DeadLetter(
      DeadLetterCause cause, Attempts attempts, Instant lastDelivered, String origin) {
    this(cause, attempts, lastDelivered, origin, 0);
  }
}
