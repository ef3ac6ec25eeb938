package dev.forebay.queue.testkit.server;

import java.util.function.Supplier;

/**
 * What the testkit leaves to its users to add: the servers it embeds are large, and nobody needs
 * all of them.
 */
final class MissingServer {

  private MissingServer() {}

  /**
   * Starts a server.
   *
   * @param artifacts what has to be on the class path for that
   * @throws IllegalStateException when it is not
   */
  static <T> T orSay(String artifacts, Supplier<T> start) {
    try {
      return start.get();
    } catch (NoClassDefFoundError e) {
      throw new IllegalStateException(
          "The embedded server is not on the class path. Add "
              + artifacts
              + " in scope test: the testkit leaves servers out, so that nobody gets those that he"
              + " does not use.",
          e);
    }
  }
}
