package dev.forebay.queue;

/** Why a delivery is given back. */
public enum ReleaseCause {
  /** The attempt failed; it counts. */
  FAILED,
  /**
   * Nothing was tried, or nothing that speaks against the message: shutdown, a closed gate, a
   * throttled downstream. It does not count where {@link Capabilities#returnsWithoutAttempt()}.
   */
  RETURNED
}
