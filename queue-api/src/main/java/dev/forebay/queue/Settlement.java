package dev.forebay.queue;

/** What became of a settlement or an extension (A1, A3). */
public enum Settlement {
  /** The backend confirmed it while the lease was live. */
  OK,
  /** The lease was lost before, or another settlement came first; nothing was changed. */
  STALE,
  /**
   * It may or may not have been applied; expect the message to come back, and expect that it may
   * not.
   */
  UNKNOWN
}
