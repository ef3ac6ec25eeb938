package dev.forebay.queue.worker;

/**
 * Tells an autoscaler whether this worker may be taken away: called when the worker has something
 * in hand, and again when it has had nothing for a while (S1).
 *
 * <pre>{@code
 * Worker.builder(queue)
 *     .scaleInProtection(busy -> ecs.updateTaskProtection(task, busy), Duration.ofSeconds(30))
 * }</pre>
 *
 * <p>Never called by two threads at once, never twice in a row with the same state, and on a thread
 * of its own that nothing of the worker waits for: work starts whether or not the autoscaler has
 * answered. While a call is under way states are not queued; the next call has the last of them. A
 * call that throws is made again at growing intervals, for as long as its state is the wanted one.
 */
@FunctionalInterface
public interface ScaleInProtection {

  /**
   * The worker has become busy or idle. May block.
   *
   * @param busy whether it has messages in hand, and should not be taken away
   * @throws Exception when it is to be called again
   */
  void changed(boolean busy) throws Exception;
}
