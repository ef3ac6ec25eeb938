package dev.forebay.queue.worker;

import java.util.List;

/**
 * What a worker runs for several messages at once, as a GPU likes it (W3). Each message is settled
 * on its own, by what is said to its {@link BatchItem}; one nobody said anything about is done when
 * the handler returns.
 *
 * <p>When it throws, the messages it has not decided are run again at once in two halves, and so on
 * down to single ones: one that cannot be handled fails alone, and a batch too large for the memory
 * becomes two that fit. A throttled one is not run again, nor is a message whose lease is lost.
 *
 * <p>When nothing works any more, as with a dead GPU, that ends early: once more calls in a row
 * have failed than one or two messages explain, which is 3 + log2(messages), 9 for 64. The messages
 * not yet run alone have failed then, too, and are retried with the backoff; those on their last
 * attempt are run one by one instead, so that none goes to the dead letters for what it did not do
 * alone. Only {@linkplain dev.forebay.queue.policy.FailureKind.Transient transient} failures count
 * for this, as all are that the retry policy does not know better: those known to be terminal or
 * poison are the messages' own, and looked for to the last.
 *
 * <p>Called by several threads at once, as many as the worker has slots. Interrupted when the grace
 * time of a closing worker ends, and when the leases of all messages of the call are lost; the loss
 * of some of them interrupts nothing, but their {@link BatchItem#context} knows, and their results
 * are not acked (W2).
 *
 * @param <T> what it works on: values decoded from the messages, or the deliveries
 */
@FunctionalInterface
public interface BatchHandler<T> {

  /**
   * Does the work.
   *
   * @param items at least one; all of one group
   * @throws Exception when the attempt failed for all items not decided yet
   */
  void handle(List<BatchItem<T>> items) throws Exception;
}
