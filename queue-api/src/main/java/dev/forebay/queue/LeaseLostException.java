package dev.forebay.queue;

/**
 * The lease of a delivery ended while somebody still worked on it: stop, and write nothing more for
 * it (L4).
 */
public final class LeaseLostException extends QueueException {

  private static final long serialVersionUID = 1L;

  /** The lease of the message with this id is lost. */
  public LeaseLostException(String messageId) {
    super(
        ErrorCode.LEASE_LOST,
        "The lease of message "
            + messageId
            + " is lost; it may be running elsewhere. Stop and write nothing more for it.");
  }
}
