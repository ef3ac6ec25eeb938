package dev.forebay.queue.loadtest.report;

import dev.forebay.queue.loadtest.model.Floor;
import dev.forebay.queue.loadtest.model.Timeline;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one queue did in a run. Immutable.
 *
 * @param name the queue's name, as {@code --queues} takes it
 * @param sent requests whose enqueue was confirmed
 * @param timeline what happened to every request
 * @param queueToStartP99Millis 99th percentile of the time from the confirmed enqueue to the start
 *     of the first attempt, in milliseconds; null if no attempt started
 * @param leaseExtensions how often a worker extended the lease of a message
 * @param wasted handler time of attempts whose lease was lost before they ended
 * @param apiCalls calls to the broker's API, senders and workers together; null where they are not
 *     what is paid for
 * @param floors which time-outs are longer here than the speed-up asks for
 * @param notes what ran, and where it departs from the common time-outs, a sentence each
 */
public record QueueResult(
    String name,
    int sent,
    Timeline timeline,
    @Nullable Double queueToStartP99Millis,
    long leaseExtensions,
    Duration wasted,
    @Nullable Long apiCalls,
    List<Floor> floors,
    List<String> notes) {

  /** Copies the lists. */
  public QueueResult {
    floors = List.copyOf(floors);
    notes = List.copyOf(notes);
  }

  /** API calls per request sent, or null where they are not counted. */
  public @Nullable Double requestsPerMessage() {
    return apiCalls == null || sent == 0 ? null : (double) apiCalls / sent;
  }
}
