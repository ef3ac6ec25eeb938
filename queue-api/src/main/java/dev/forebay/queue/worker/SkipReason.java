package dev.forebay.queue.worker;

/** Why a delivery was settled without running the handler. */
public enum SkipReason {
  /** Its deadline had passed (W5). */
  EXPIRED,
  /** Its work is finished already (U2). */
  DUPLICATE,
  /** The breaker of its type is open, and it went to the slow lane (W4). */
  DIVERTED,
  /** A gate was closed (W6). */
  GATE_CLOSED,
  /** It had all its attempts before (R5). */
  EXHAUSTED,
  /** The worker is closing (S1). */
  CLOSING
}
