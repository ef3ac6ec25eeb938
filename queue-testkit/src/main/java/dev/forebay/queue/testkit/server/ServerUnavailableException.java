package dev.forebay.queue.testkit.server;

/**
 * The server a test asked for cannot be had on this machine (no container engine, image not
 * present); the message says why. A test turns it into a skip with that reason, never into a pass.
 */
public final class ServerUnavailableException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** Creates the exception; {@code reason} completes the sentence "not available because ...". */
  public ServerUnavailableException(String reason) {
    super("not available because " + reason);
  }
}
