package dev.forebay.queue.worker;

import org.jspecify.annotations.Nullable;

/**
 * Thrown by a handler, it gives the message back untried, as {@link Outcome#giveBack} does: to be
 * delivered again at once, without burning an attempt where the queue can (R2). Thrown by {@link
 * HandlerContext#checkpoint} when the worker drains; let it pass.
 */
public final class GiveBackException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** As deep as somebody may have wrapped it. */
  private static final int DEEPEST = 10;

  /** With a text for whoever meets it in a log. */
  public GiveBackException(String why) {
    super(why);
  }

  /** Whether a failure is one of these, or was caused by one. */
  static boolean isBehind(@Nullable Throwable failure) {
    Throwable cause = failure;
    for (int depth = 0; cause != null && depth < DEEPEST; depth++) {
      if (cause instanceof GiveBackException) {
        return true;
      }
      cause = cause.getCause();
    }
    return false;
  }
}
