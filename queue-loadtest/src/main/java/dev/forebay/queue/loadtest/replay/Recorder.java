package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.loadtest.model.Percentile;
import dev.forebay.queue.loadtest.model.Timeline;
import dev.forebay.queue.loadtest.trace.Trace;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Notes what happens to every request of one queue. Thread-safe.
 *
 * <p>Times are nanoseconds since the start of the replay. One lock is enough: a note takes less
 * than a microsecond, and no handler ends a thousand times in one.
 */
final class Recorder {
  private static final long NEVER = -1;

  private final Timeline.Builder timeline;
  private final long[] enqueued;
  private final long[] firstStart;
  private final boolean[] handled;
  private int confirmed;
  private int refused;
  private int handledCount;
  private int inFlight;
  private @Nullable String firstRefusal;

  Recorder(Trace trace, Timeline.Builder timeline) {
    this.timeline = timeline;
    enqueued = new long[trace.size()];
    firstStart = new long[trace.size()];
    handled = new boolean[trace.size()];
    Arrays.fill(enqueued, NEVER);
    Arrays.fill(firstStart, NEVER);
  }

  /** The queue confirmed the enqueue. */
  synchronized void enqueued(int request, long at) {
    if (enqueued[request] == NEVER) {
      enqueued[request] = at;
      confirmed++;
    }
  }

  /** The queue refused the enqueue for good. */
  synchronized void refused(String why) {
    refused++;
    if (firstRefusal == null) {
      firstRefusal = why;
    }
  }

  /** An attempt starts. */
  synchronized void started(int request, long at) {
    inFlight++;
    if (firstStart[request] == NEVER) {
      firstStart[request] = at;
    }
  }

  /** An attempt ended; {@code done} if it was carried to its end. */
  synchronized void ended(int request, long start, long end, boolean done) {
    inFlight--;
    timeline.attempt(request, start, end, done);
    if (done && !handled[request]) {
      handled[request] = true;
      handledCount++;
    }
  }

  synchronized int sent() {
    return confirmed;
  }

  synchronized int handled() {
    return handledCount;
  }

  synchronized int inFlight() {
    return inFlight;
  }

  /** Whether the outcome of every enqueue is known. */
  synchronized boolean allSent() {
    return confirmed + refused == enqueued.length;
  }

  /** Whether there is nothing left to wait for. */
  synchronized boolean allHandled() {
    return handledCount + refused >= handled.length;
  }

  /** What the queue said when it first refused a message for good, or null. */
  synchronized @Nullable String firstRefusal() {
    return firstRefusal;
  }

  /**
   * The 99th percentile of the time from the confirmed enqueue to the first start, in milliseconds,
   * or null if no attempt started. An attempt may start before its sender hears of the enqueue:
   * that counts as no time at all.
   */
  synchronized @Nullable Double queueToStartP99Millis() {
    long[] times = new long[enqueued.length];
    int n = 0;
    for (int i = 0; i < times.length; i++) {
      if (enqueued[i] != NEVER && firstStart[i] != NEVER) {
        times[n++] = Math.max(0, firstStart[i] - enqueued[i]);
      }
    }
    if (n == 0) {
      return null;
    }
    long[] sorted = Arrays.copyOf(times, n);
    Arrays.sort(sorted);
    return Percentile.of(sorted, 99) / 1e6;
  }

  synchronized Timeline timeline() {
    return timeline.build();
  }
}
