package dev.forebay.queue.loadtest.model;

import dev.forebay.queue.loadtest.trace.Trace;
import java.time.Duration;
import java.util.Arrays;
import java.util.OptionalDouble;

/**
 * What happened to every request of one run, ideal or real, and the figures that follow from it.
 * Both kinds are judged by this one class, so that their figures mean the same. Immutable.
 *
 * <p>Times count from the start of the replay and are those of the replay, not of the trace. A
 * message's <em>age</em> is the time from its intended arrival to the start of its first attempt.
 * It counts from the intended arrival, whenever the message was really sent: a sender held up by
 * its queue must not make that queue look better.
 */
public final class Timeline {
  private static final long NEVER = -1;
  private static final double NANOS_PER_MILLI = 1e6;
  private static final double NANOS_PER_SECOND = 1e9;

  private final int slots;
  private final long[] arrivals;
  private final long[] firstStarts;
  private final long[] attemptStarts;
  private final long[] attemptEnds;
  private final int handled;
  private final int duplicates;
  private final long lastDone;

  private Timeline(Builder builder) {
    slots = builder.slots;
    arrivals = builder.arrivals;
    firstStarts = builder.firstStarts.clone();
    attemptStarts = Arrays.copyOf(builder.attemptStarts, builder.attempts);
    attemptEnds = Arrays.copyOf(builder.attemptEnds, builder.attempts);
    // From here on only the number of attempts under way at a time matters, not which was which.
    Arrays.sort(attemptStarts);
    Arrays.sort(attemptEnds);
    handled = (int) Arrays.stream(builder.effects).filter(n -> n > 0).count();
    duplicates = Arrays.stream(builder.effects).sum() - handled;
    lastDone = builder.lastDone;
  }

  /** Starts a timeline for a replay of {@code trace}. */
  public static Builder builder(Trace trace, SpeedUp speedUp, Slots slots) {
    long[] arrivals =
        trace.requests().stream().mapToLong(r -> speedUp.scale(r.arrival()).toNanos()).toArray();
    return new Builder(arrivals, slots.total());
  }

  /** Requests of the trace. */
  public int requests() {
    return arrivals.length;
  }

  /** Requests that were handled to their end at least once. */
  public int handled() {
    return handled;
  }

  /** Requests that were never handled to their end. */
  public int lost() {
    return arrivals.length - handled;
  }

  /** How often a request was handled to its end although that had been done before. */
  public int duplicates() {
    return duplicates;
  }

  /** A percentile of the age in milliseconds; empty if no attempt ever started. */
  public OptionalDouble ageMillis(double percent) {
    long[] ages = new long[arrivals.length];
    int n = 0;
    for (int i = 0; i < ages.length; i++) {
      if (firstStarts[i] != NEVER) {
        ages[n++] = firstStarts[i] - arrivals[i];
      }
    }
    if (n == 0) {
      return OptionalDouble.empty();
    }
    ages = Arrays.copyOf(ages, n);
    Arrays.sort(ages);
    return OptionalDouble.of(Percentile.of(ages, percent) / NANOS_PER_MILLI);
  }

  /** From the last arrival to the end of the last request that was handled, in milliseconds. */
  public double drainMillis() {
    return Math.max(0, lastDone - arrivals[arrivals.length - 1]) / NANOS_PER_MILLI;
  }

  /** Requests handled divided by the time from the start to the end of the last of them. */
  public double handledPerSecond() {
    return lastDone == 0 ? 0 : handled / (lastDone / NANOS_PER_SECOND);
  }

  /**
   * Of the slot time for which there was a message, the share in which the slot worked: the
   * integral of the busy slots, divided by that of min(slots, busy + waiting). It is 1 for the
   * ideal queue, and idle slots with nothing to do do not lower it. A message waits from its
   * intended arrival to the start of its first attempt.
   */
  public double slotUse() {
    double[] busyAndUsable = new double[2];
    walk(
        (from, to, waiting, busy) -> {
          busyAndUsable[0] += (double) (to - from) * busy;
          busyAndUsable[1] +=
              (double) (to - from) * Math.max(busy, Math.min(slots, busy + waiting));
        });
    return busyAndUsable[1] == 0 ? 1 : busyAndUsable[0] / busyAndUsable[1];
  }

  /** The time of the last thing that happened. */
  public Duration end() {
    long last = arrivals[arrivals.length - 1];
    return Duration.ofNanos(
        attemptEnds.length == 0 ? last : Math.max(last, attemptEnds[attemptEnds.length - 1]));
  }

  /** The greatest age in milliseconds that the oldest waiting message reached. */
  public double[] oldestWaitingMillis(Buckets buckets) {
    double[] oldest = new double[buckets.count()];
    long end = end().toNanos();
    for (int i = 0; i < arrivals.length; i++) {
      long start = firstStarts[i] == NEVER ? end : firstStarts[i];
      for (int b = buckets.of(arrivals[i]); b <= buckets.of(start); b++) {
        double age = (Math.min(start, buckets.end(b)) - arrivals[i]) / NANOS_PER_MILLI;
        oldest[b] = Math.max(oldest[b], age);
      }
    }
    return oldest;
  }

  /** The largest number of messages that waited at once. */
  public double[] mostWaiting(Buckets buckets) {
    double[] most = new double[buckets.count()];
    walk(
        (from, to, waiting, busy) -> {
          for (int b = buckets.of(from); b <= buckets.of(to - 1); b++) {
            most[b] = Math.max(most[b], waiting);
          }
        });
    return most;
  }

  /** The mean number of busy slots. */
  public double[] meanBusy(Buckets buckets) {
    double[] sum = new double[buckets.count()];
    walk(
        (from, to, waiting, busy) -> {
          for (int b = buckets.of(from); b <= buckets.of(to - 1); b++) {
            long overlap = Math.min(to, buckets.end(b)) - Math.max(from, buckets.start(b));
            sum[b] += (double) Math.max(0, overlap) * busy;
          }
        });
    for (int b = 0; b < sum.length; b++) {
      sum[b] /= buckets.end(b) - buckets.start(b);
    }
    return sum;
  }

  /** The arrivals per second. */
  public double[] arrivalsPerSecond(Buckets buckets) {
    double[] rate = new double[buckets.count()];
    for (long arrival : arrivals) {
      rate[buckets.of(arrival)]++;
    }
    for (int b = 0; b < rate.length; b++) {
      rate[b] /= (buckets.end(b) - buckets.start(b)) / NANOS_PER_SECOND;
    }
    return rate;
  }

  private interface Stretch {
    /** Between these two times nothing changed. */
    void visit(long from, long to, int waiting, int busy);
  }

  /** Walks through the run from change to change; stretches of no length are left out. */
  private void walk(Stretch stretch) {
    long[] starts = Arrays.stream(firstStarts).filter(t -> t != NEVER).sorted().toArray();
    long end = end().toNanos();
    int arrived = 0;
    int started = 0;
    int begun = 0;
    int ended = 0;
    long now = 0;
    while (now < end) {
      while (arrived < arrivals.length && arrivals[arrived] <= now) {
        arrived++;
      }
      while (started < starts.length && starts[started] <= now) {
        started++;
      }
      while (begun < attemptStarts.length && attemptStarts[begun] <= now) {
        begun++;
      }
      while (ended < attemptEnds.length && attemptEnds[ended] <= now) {
        ended++;
      }
      long next = end;
      next = arrived < arrivals.length ? Math.min(next, arrivals[arrived]) : next;
      next = started < starts.length ? Math.min(next, starts[started]) : next;
      next = begun < attemptStarts.length ? Math.min(next, attemptStarts[begun]) : next;
      next = ended < attemptEnds.length ? Math.min(next, attemptEnds[ended]) : next;
      stretch.visit(now, next, arrived - started, begun - ended);
      now = next;
    }
  }

  /** Collects the attempts of a run. Not thread-safe. */
  public static final class Builder {
    private final int slots;
    private final long[] arrivals;
    private final long[] firstStarts;
    private final int[] effects;
    private long[] attemptStarts;
    private long[] attemptEnds;
    private int attempts;
    private long lastDone;

    private Builder(long[] arrivals, int slots) {
      this.arrivals = arrivals;
      this.slots = slots;
      firstStarts = new long[arrivals.length];
      Arrays.fill(firstStarts, NEVER);
      effects = new int[arrivals.length];
      attemptStarts = new long[arrivals.length];
      attemptEnds = new long[arrivals.length];
    }

    /** When a request is to arrive, in nanoseconds since the start of the replay. */
    public long arrivalNanos(int request) {
      return arrivals[request];
    }

    /**
     * Adds an attempt at a request (0-based), with its times in nanoseconds since the start.
     *
     * @param done whether it was carried to its end, so that its effect is there
     */
    public void attempt(int request, long start, long end, boolean done) {
      // A sender may run some microseconds ahead of the plan; nothing starts before it arrives.
      long from = Math.max(start, arrivals[request]);
      long to = Math.max(end, from);
      if (attempts == attemptStarts.length) {
        int more = attempts + Math.max(16, attempts / 2);
        attemptStarts = Arrays.copyOf(attemptStarts, more);
        attemptEnds = Arrays.copyOf(attemptEnds, more);
      }
      attemptStarts[attempts] = from;
      attemptEnds[attempts] = to;
      attempts++;
      if (firstStarts[request] == NEVER || from < firstStarts[request]) {
        firstStarts[request] = from;
      }
      if (done) {
        effects[request]++;
        lastDone = Math.max(lastDone, to);
      }
    }

    /** The timeline of what was added so far. */
    public Timeline build() {
      return new Timeline(this);
    }
  }
}
