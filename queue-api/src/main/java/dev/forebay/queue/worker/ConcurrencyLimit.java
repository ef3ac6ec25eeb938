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

  /**
   * A handler has ended.
   *
   * @param ran how long it ran
   * @param running how many ran when it started, itself included
   * @param dropped whether it met a limit of something downstream: it was throttled
   */
  void ended(Duration ran, int running, boolean dropped);
}
