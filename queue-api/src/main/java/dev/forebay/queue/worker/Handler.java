package dev.forebay.queue.worker;

/**
 * What a worker runs for each message: returning means done, and the message is acked; throwing
 * means the attempt failed, and the retry policy decides (W1). {@link DecidingHandler} is for those
 * who want to choose.
 *
 * <p>Called by many threads at once. Interrupted when the lease is lost (W2) and when the grace
 * time of a closing worker ends; whatever it does after a lost lease is not settled.
 *
 * @param <T> what it works on: a value decoded from the message, or the delivery
 */
@FunctionalInterface
public interface Handler<T> {

  /**
   * Does the work.
   *
   * @param input the value decoded from the message, or the delivery
   * @param context what is known about this attempt; valid while the handler runs
   * @throws Exception when the attempt failed
   */
  void handle(T input, HandlerContext context) throws Exception;
}
