package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.KeyPolicy;
import java.time.Duration;

/**
 * How the kit wants a queue object built. Every object of one broker queue gets the same settings
 * within a test.
 *
 * @param lease the lease of each delivery
 * @param grace how long close() waits for deliveries in the callers' hands (S1)
 * @param deadLetters whether the queue has its dead-letter destination; false asks for a queue
 *     without one
 * @param keyPolicy what a failing message does to its key (K2); a backend without order, or with
 *     just one policy, may ignore it
 */
public record QueueSettings(
    Duration lease, Duration grace, boolean deadLetters, KeyPolicy keyPolicy) {

  /** These settings with another lease. */
  public QueueSettings withLease(Duration newLease) {
    return new QueueSettings(newLease, grace, deadLetters, keyPolicy);
  }

  /** These settings with another grace time. */
  public QueueSettings withGrace(Duration newGrace) {
    return new QueueSettings(lease, newGrace, deadLetters, keyPolicy);
  }

  /** These settings without a dead-letter destination. */
  public QueueSettings withoutDeadLetters() {
    return new QueueSettings(lease, grace, false, keyPolicy);
  }

  /** These settings with another key policy. */
  public QueueSettings withKeyPolicy(KeyPolicy policy) {
    return new QueueSettings(lease, grace, deadLetters, policy);
  }
}
