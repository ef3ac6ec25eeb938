package dev.forebay.queue.worker;

import java.time.Duration;

/**
 * How many handlers may run at once, found out while they run (W6). The worker never runs more than
 * its slots, whatever this says. Implementations are thread-safe and do not block; {@code
 * queue-resilience} has one over a well-known library.
 */
public interface ConcurrencyLimit {

  /** How many may run now; less than 1 counts as 1. */
  int limit();

  /** What it has worked out, also where nobody is held to it yet: for listeners and meters. */
  default int estimate() {
    return limit();
  }

  /**
   * A handler has ended in a way that says something about how many may run: it was done, or it was
   * throttled. Those that failed otherwise, gave back or were interrupted are not told, since their
   * time says nothing.
   *
   * @param ran how long it ran; of one that was throttled how long that took
   * @param running how many ran when it started, itself included
   * @param dropped whether it met a limit of something downstream: it was throttled
   */
  void ended(Duration ran, int running, boolean dropped);
}
