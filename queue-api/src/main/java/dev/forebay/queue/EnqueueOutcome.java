package dev.forebay.queue;

import org.jspecify.annotations.Nullable;

/** What became of one enqueued message (E2). */
public sealed interface EnqueueOutcome {

  /**
   * Stored by the backend's durability promise (E1).
   *
   * @param id the message's id, the same on every delivery of it
   */
  record Enqueued(String id) implements EnqueueOutcome {}

  /**
   * Not stored: a message with the same dedup id was stored within the window (U1).
   *
   * @param id the id of the message stored before, as far as the backend knows it
   */
  record Duplicate(String id) implements EnqueueOutcome {}

  /**
   * Not stored, or with {@link ErrorCode#AMBIGUOUS} perhaps stored.
   *
   * @param code what kind of failure
   * @param message what happened and what to do about it
   * @param cause the client's own exception, if there was one
   */
  record Failed(ErrorCode code, String message, @Nullable Throwable cause)
      implements EnqueueOutcome {

    /** A failure without an exception behind it. */
    public Failed(ErrorCode code, String message) {
      this(code, message, null);
    }

    /** Whether enqueuing the same message again can help. */
    public boolean retryable() {
      return code.retryable();
    }
  }

  /**
   * The message's id.
   *
   * @throws QueueException when it failed
   */
  default String orThrow() {
    if (this instanceof Enqueued enqueued) {
      return enqueued.id();
    }
    if (this instanceof Duplicate duplicate) {
      return duplicate.id();
    }
    Failed failed = (Failed) this;
    throw new QueueException(failed.code(), failed.message(), failed.cause());
  }
}
