package dev.forebay.queue.worker;

/** What a breaker does with the messages of a type (W4). */
public enum BreakerState {
  /** They run. */
  CLOSED,
  /** They go to the slow lane. */
  OPEN,
  /** A few run, to see whether the rest may. */
  HALF_OPEN
}
