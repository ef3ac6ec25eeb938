package dev.forebay.queue.loadtest.report;

import dev.forebay.queue.loadtest.model.Floor;
import dev.forebay.queue.loadtest.model.Slots;
import dev.forebay.queue.loadtest.model.SpeedUp;
import dev.forebay.queue.loadtest.model.TimeOuts;
import dev.forebay.queue.loadtest.model.Timeline;
import dev.forebay.queue.loadtest.trace.Trace;
import java.util.List;
import java.util.stream.Stream;

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
 * @param timeOuts how the time-outs of all queues were set
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
    TimeOuts timeOuts,
    List<QueueResult> queues) {

  /** Copies the list. */
  public Comparison {
    queues = List.copyOf(queues);
  }

  /** Which time-outs are longer than the speed-up asks for, on all queues and on each. */
  List<Floor> floors() {
    return Stream.concat(
            timeOuts.floors().stream(), queues.stream().flatMap(queue -> queue.floors().stream()))
        .toList();
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
