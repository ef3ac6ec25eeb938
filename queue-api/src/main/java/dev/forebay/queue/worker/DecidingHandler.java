package dev.forebay.queue.worker;

/**
 * A {@link Handler} that says what is to become of the message. Throwing still means that the
 * attempt failed and the retry policy decides.
 *
 * <p>Called by many threads at once.
 *
 * @param <T> what it works on: a value decoded from the message, or the delivery
 */
@FunctionalInterface
public interface DecidingHandler<T> {

  /**
   * Does the work and says what is to become of the message.
   *
   * @param input the value decoded from the message, or the delivery
   * @param context what is known about this attempt; valid while the handler runs
   * @throws Exception when the attempt failed
   */
  Outcome handle(T input, HandlerContext context) throws Exception;
}
