package dev.forebay.queue;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How much is waiting, as the broker counts it; approximate on every distributed broker.
 *
 * @param visible messages that could be delivered now
 * @param inFlight messages under a lease
 * @param delayed messages whose delay has not passed
 * @param oldestAge age of the oldest message not yet settled, by its first-enqueued time
 */
public record QueueDepth(
    OptionalLong visible,
    OptionalLong inFlight,
    OptionalLong delayed,
    Optional<Duration> oldestAge) {

  /** All that is not settled: the sum of the figures that are known. */
  public long backlog() {
    return visible.orElse(0) + inFlight.orElse(0) + delayed.orElse(0);
  }
}
