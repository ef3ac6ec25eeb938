package dev.forebay.queue.worker;

/** Why a delivery was settled without running the handler. */
public enum SkipReason {
  /** Its deadline had passed (W5). */
  EXPIRED,
  /** Its work is finished already (U2). */
  DUPLICATE,
  /** Equal work is in progress elsewhere, or the dedup store fails; it comes again (U2, U3). */
  IN_PROGRESS,
  /** The breaker of its type is open, and it went to the slow lane (W4). */
  DIVERTED,
  /** The breaker of its type is open, and the slow lane did not take it; it comes again (W4). */
  SLOW_LANE_DOWN,
  /** A gate was closed (W6). */
  GATE_CLOSED,
  /** It had all its attempts before (R5). */
  EXHAUSTED,
  /** The worker is closing (S1). */
  CLOSING
}
