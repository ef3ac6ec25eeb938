package dev.forebay.queue.kafka;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What the parts of the share-group mode need to know; immutable.
 *
 * @param clientId what the client ids of lanes start with
 * @param lease the lease of a delivery, and the broker's record lock
 * @param maxLanes most consumers of this queue object
 * @param deliveryLimit after how many deliveries the broker silently drops a record
 * @param deadLetters the topic of dead letters, if there is one
 * @param grace how long closing may take
 */
record ShareSettings(
    String topic,
    String group,
    String clientId,
    Duration lease,
    int maxLanes,
    int deliveryLimit,
    @Nullable String deadLetters,
    Duration grace,
    TimeSource time) {

  long leaseNanos() {
    return lease.toNanos();
  }

  /**
   * The delivery from which on a record is copied rather than delivered: some deliveries before the
   * broker's limit, since each crash while a copy is being written burns one more.
   */
  int copyFromDelivery() {
    return Math.max(2, deliveryLimit - 3);
  }
}
