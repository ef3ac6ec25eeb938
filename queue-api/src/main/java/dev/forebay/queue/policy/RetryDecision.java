package dev.forebay.queue.policy;

import dev.forebay.queue.DeadLetterCause;
import java.time.Duration;

/** What to do with a message whose attempt failed. */
public sealed interface RetryDecision {

  /**
   * Release it as failed.
   *
   * @param after how long it is not to be delivered (R1)
   */
  record Retry(Duration after) implements RetryDecision {}

  /**
   * Release it as returned: the attempt does not count (R2).
   *
   * @param after how long it is not to be delivered
   */
  record Throttled(Duration after) implements RetryDecision {}

  /**
   * Move it to the dead letters (R5).
   *
   * @param cause the failure that ended it
   */
  record DeadLetter(DeadLetterCause cause) implements RetryDecision {}
}
