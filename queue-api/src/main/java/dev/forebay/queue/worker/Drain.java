package dev.forebay.queue.worker;

/**
 * What a closing worker does about the handlers that run (S1). Whichever it is: nothing new is
 * taken, what was not started is given back at once, and what has not ended when the grace time is
 * over is interrupted.
 */
public enum Drain {
  /** They may finish, and what they finish is acked. The default. */
  FINISH,
  /**
   * They are asked to stop where they can be gone on with: {@link HandlerContext#checkpoint} saves
   * the progress and gives the message back, and {@link HandlerContext#isDraining} and {@link
   * HandlerContext#onDrain} tell those that want to see to it themselves. For work much longer than
   * the grace time; the next attempt, wherever it runs, goes on from the {@link
   * HandlerContext#progress}.
   */
  CHECKPOINT,
  /**
   * They are interrupted at once, and what they throw gives the message back. For work that can
   * rather be done again than waited for. A handler that does not stop keeps its message until it
   * ends: given back before, the work would be done twice at a time.
   */
  HAND_BACK
}
