package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.loadtest.model.Failures;
import dev.forebay.queue.loadtest.model.Slots;
import dev.forebay.queue.loadtest.model.SpeedUp;
import dev.forebay.queue.loadtest.model.TimeOuts;
import dev.forebay.queue.loadtest.model.Timeline;
import dev.forebay.queue.loadtest.trace.Trace;
import java.time.Duration;

/**
 * What to replay, on what. Immutable.
 *
 * @param trace the requests
 * @param speedUp how much faster than the trace
 * @param slots the slots on each queue
 * @param failures which attempts fail
 * @param lease a message's lease, in the trace's time
 */
public record Plan(Trace trace, SpeedUp speedUp, Slots slots, Failures failures, Duration lease) {

  /** How the time-outs of all queues are set. */
  public TimeOuts timeOuts() {
    return TimeOuts.of(speedUp, lease, failures.backoff());
  }

  Timeline.Builder timeline() {
    return Timeline.builder(trace, speedUp, slots);
  }
}
