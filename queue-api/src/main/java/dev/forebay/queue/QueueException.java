package dev.forebay.queue;

import org.jspecify.annotations.Nullable;

/**
 * The one exception of the library: unchecked, with a {@link ErrorCode} to branch on and a text
 * that says what to do.
 */
public class QueueException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final ErrorCode code;

  /** An error with a text that says what happened and what to do. */
  public QueueException(ErrorCode code, String message) {
    this(code, message, null);
  }

  /** An error caused by the client's own exception. */
  public QueueException(ErrorCode code, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  /** What kind of error. */
  public ErrorCode code() {
    return code;
  }

  /** Whether the same call can succeed later without anybody changing anything. */
  public boolean retryable() {
    return code.retryable();
  }
}
