package dev.forebay.queue.worker;

/** What a dedup store knows of a delivery's work. */
public enum DuplicateKind {
  /** It was finished before: the delivery is acked without running. */
  FINISHED,
  /**
   * Equal work is being done, in this worker or another one: the delivery waits for how it ends.
   */
  IN_FLIGHT
}
