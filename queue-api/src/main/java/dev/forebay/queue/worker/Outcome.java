package dev.forebay.queue.worker;

import dev.forebay.queue.DeadLetterCause;
import java.time.Duration;

/** What is to become of a message after a {@link DecidingHandler} has run. */
public sealed interface Outcome {

  /** Done: never to be delivered again. */
  record Ack() implements Outcome {}

  /** Failed: another attempt after the retry policy's backoff, while the policy allows one. */
  record Retry() implements Outcome {}

  /**
   * Failed: another attempt after a delay of the handler's, while the retry policy allows one.
   *
   * @param delay zero or more; a longer one than the queue can release with is cut to what it can
   */
  record RetryAfter(Duration delay) implements Outcome {

    /** Rejects a negative delay. */
    public RetryAfter {
      if (delay.isNegative()) {
        throw new IllegalArgumentException("A delay must not be negative: " + delay);
      }
    }
  }

  /**
   * Failed for good: to the dead letters.
   *
   * @param cause what its dead letter says
   */
  record DeadLetter(DeadLetterCause cause) implements Outcome {}

  /**
   * Not tried: to be delivered again at once, to whoever has room, without burning an attempt where
   * the queue can (R2).
   */
  record GiveBack() implements Outcome {}

  /** Done. */
  static Outcome ack() {
    return Fixed.ACK;
  }

  /** Failed, to be retried by the policy. */
  static Outcome retry() {
    return Fixed.RETRY;
  }

  /** Failed, to be retried after this delay. */
  static Outcome retryAfter(Duration delay) {
    return new RetryAfter(delay);
  }

  /** Failed for good. */
  static Outcome deadLetter(DeadLetterCause cause) {
    return new DeadLetter(cause);
  }

  /** Failed for good, because of this exception: {@link DeadLetterCause#of(Throwable)}. */
  static Outcome deadLetter(Throwable failure) {
    return deadLetter(DeadLetterCause.of(failure));
  }

  /** Not tried. */
  static Outcome giveBack() {
    return Fixed.GIVE_BACK;
  }
}
