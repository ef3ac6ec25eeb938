package dev.forebay.queue.testkit.fault;

/** A kind of fault that {@link FaultyWorkQueue} puts between a caller and a queue. */
public enum QueueFault {
  /** The call never arrives: an enqueue is UNAVAILABLE, a settlement UNKNOWN, a poll empty. */
  LOST_REQUEST,
  /** The call is carried out and its answer lost: AMBIGUOUS, UNKNOWN, deliveries nobody gets. */
  LOST_REPLY,
  /** The call is carried out, later. */
  DELAY,
  /** An enqueue is refused as THROTTLED, a poll comes back empty; nothing is done. */
  THROTTLE,
  /** Some messages of a list are not stored, the others are. */
  PARTIAL_FAILURE,
  /** A delivery is handed out a second time while its first receiver still holds it. */
  DUPLICATE_DELIVERY
}
