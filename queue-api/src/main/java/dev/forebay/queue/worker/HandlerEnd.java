package dev.forebay.queue.worker;

/** How a handler ended. */
public enum HandlerEnd {
  /** It is done; the message is to be acked. */
  DONE,
  /** The attempt failed: it threw, or asked for a retry or for the dead letters. */
  FAILED,
  /** It asked to give the message back untried. */
  GIVEN_BACK,
  /** The lease was lost meanwhile; nothing is settled (W2). */
  LEASE_LOST,
  /** It was interrupted by the closing worker; the message is to be given back (S1). */
  CUT_SHORT
}
