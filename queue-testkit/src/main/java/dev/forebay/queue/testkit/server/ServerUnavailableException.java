package dev.forebay.queue.testkit.server;

import org.opentest4j.TestAbortedException;

/**
 * The server a test asked for cannot be had on this machine (no container engine, image not
 * present); the message says why. JUnit takes it for a skip with that reason, never for a pass.
 */
public final class ServerUnavailableException extends TestAbortedException {

  private static final long serialVersionUID = 1L;

  /** Creates the exception; {@code reason} completes the sentence "not available because ...". */
  public ServerUnavailableException(String reason) {
    super("not available because " + reason);
  }
}
