package dev.forebay.queue;

/** What kind of thing went wrong, each with the test that tells it from the others. */
public enum ErrorCode {
  /** The message itself cannot be carried: sending it again unchanged will fail again. */
  INVALID_MESSAGE(false),
  /**
   * The operation is beyond {@link Capabilities}: it can never work on this queue as configured.
   */
  UNSUPPORTED(false),
  /** The queue or topic does not exist: creating it helps. */
  NOT_FOUND(false),
  /** The broker knows the caller and refuses: a permission helps. */
  ACCESS_DENIED(false),
  /** The configuration contradicts the broker's: changing a setting helps, here or there. */
  MISCONFIGURED(false),
  /** The broker asks for fewer requests; waiting helps. */
  THROTTLED(true),
  /** The broker could not be reached and nothing was applied; waiting helps. */
  UNAVAILABLE(true),
  /** The request was sent and no answer came: it may have been applied. */
  AMBIGUOUS(true),
  /** A bounded buffer of the library stayed full; slowing down helps. */
  OVERLOADED(true),
  /** The lease of the delivery ended before the call. */
  LEASE_LOST(false),
  /** The queue or worker was closed before the call. */
  CLOSED(false),
  /** A defect of the library or an answer no version of the broker should give. */
  INTERNAL(false);

  private final boolean retryable;

  ErrorCode(boolean retryable) {
    this.retryable = retryable;
  }

  /** Whether the same call can succeed later without anybody changing anything. */
  public boolean retryable() {
    return retryable;
  }
}
