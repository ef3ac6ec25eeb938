package dev.forebay.queue.loadtest.report;

import dev.forebay.queue.loadtest.model.Slots;
import dev.forebay.queue.loadtest.model.SpeedUp;
import dev.forebay.queue.loadtest.model.Timeline;
import dev.forebay.queue.loadtest.trace.Trace;
import java.util.List;

/**
 * A whole run: one trace, the ideal queue, and every real queue side by side. Immutable.
 *
 * @param trace what was replayed
 * @param speedUp how much faster than the trace
 * @param seed what generated traffic, failures and the control were drawn from
 * @param slots the slots of each queue
 * @param failing how many requests fail at their first attempt
 * @param ideal the ideal queue on the trace
 * @param control the ideal queue on the same requests arriving independently of each other
 * @param timeOuts how the time-outs of all queues were set, a sentence each
 * @param queues the real queues, in the order they were asked for
 */
public record Comparison(
    Trace trace,
    SpeedUp speedUp,
    long seed,
    Slots slots,
    int failing,
    Timeline ideal,
    Timeline control,
    List<String> timeOuts,
    List<QueueResult> queues) {

  /** Copies the lists. */
  public Comparison {
    timeOuts = List.copyOf(timeOuts);
    queues = List.copyOf(queues);
  }

  /** Whether any queue lost a request. */
  public boolean anyLost() {
    return queues.stream().anyMatch(queue -> queue.timeline().lost() > 0);
  }

  /** Whether any queue had a request handled to its end twice. */
  public boolean anyDuplicate() {
    return queues.stream().anyMatch(queue -> queue.timeline().duplicates() > 0);
  }
}
