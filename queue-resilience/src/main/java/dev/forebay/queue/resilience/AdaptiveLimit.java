package dev.forebay.queue.resilience;

import com.netflix.concurrency.limits.Limit;
import com.netflix.concurrency.limits.limit.AIMDLimit;
import com.netflix.concurrency.limits.limit.Gradient2Limit;
import com.netflix.concurrency.limits.limit.VegasLimit;
import dev.forebay.queue.worker.ConcurrencyLimit;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * A limit of concurrency that follows how handlers fare, by Netflix's concurrency-limits (W6).
 *
 * <pre>{@code
 * AdaptiveLimit limit = AdaptiveLimit.aimd(64).build();
 * Worker worker = Worker.builder(queue).slots(64).concurrencyLimit(limit).handler(...).start();
 * }</pre>
 *
 * <p>Which one:
 *
 * <ul>
 *   <li>{@link #aimd} where what is downstream says no, such as an endpoint with 429: one more a
 *       round while nobody is throttled, a tenth less after a round in which somebody was (additive
 *       increase, multiplicative decrease). Times do not matter to it, so it suits work whose
 *       length varies widely.
 *   <li>{@link #vegas} where it gets slower instead, such as a GPU that batches, and a handler's
 *       time is about the same each time: it takes the shortest time seen for that of an idle
 *       downstream, reckons how many wait there, limit × (1 − shortest ÷ mean time), and keeps that
 *       between about 3 and 6 × log10(limit) (as TCP Vegas does).
 *   <li>{@link #gradient} where times drift over the day as well: it compares a round's mean time
 *       with the mean of the last 600 rounds. It does not see throttling.
 * </ul>
 *
 * <p>It judges by rounds: as many handlers as were seen running at once have ended. So it works the
 * same for handlers of a millisecond and of ten minutes, and a burst of refusals counts once. Of a
 * round the mean time counts of those that were done; failures say nothing. While fewer than half
 * of the limit run, it does not grow.
 *
 * <p>In the shadow ({@link Builder#shadow()}) it works out a limit, for listeners and meters, and
 * holds nobody to it: to see what it would do. Thread-safe; its only clock is the time of the
 * handlers it is told.
 */
public final class AdaptiveLimit implements ConcurrencyLimit {

  /** For a round of which nothing was done, before any was: no real time is longer. */
  private static final long NO_TIME_YET = TimeUnit.DAYS.toNanos(365);

  private final Limit algorithm;
  private final int least;
  private final int most;
  private final boolean seesDrops;
  private final boolean shadow;
  private final Object lock = new Object();

  // The round under way; guarded by the lock.
  private int ended;
  private int runningAtOnce;
  private int done;
  private long doneNanos;
  private boolean droppedAny;
  private long lastMeanNanos = NO_TIME_YET;

  private AdaptiveLimit(Builder builder) {
    least = builder.least;
    most = builder.most;
    seesDrops = builder.seesDrops;
    shadow = builder.shadow;
    int initial = Math.max(least, Math.min(most, builder.initial));
    algorithm = builder.algorithm.of(initial, least, most);
  }

  /** Follows refusals; see above. At most so many run at once: take the worker's slots. */
  public static Builder aimd(int most) {
    return new Builder(
        most,
        true,
        (initial, least, max) ->
            AIMDLimit.newBuilder()
                .initialLimit(initial)
                .minLimit(least)
                .maxLimit(max)
                // A long handler is no refusal.
                .timeout(Long.MAX_VALUE, TimeUnit.NANOSECONDS)
                .build());
  }

  /** Follows times; see above. At most so many run at once: take the worker's slots. */
  public static Builder vegas(int most) {
    return new Builder(
        most,
        true,
        (initial, least, max) ->
            VegasLimit.newBuilder().initialLimit(initial).maxConcurrency(max).build());
  }

  /** Follows times that drift; see above. At most so many run at once: take the worker's slots. */
  public static Builder gradient(int most) {
    return new Builder(
        most,
        false,
        (initial, least, max) ->
            Gradient2Limit.newBuilder()
                .initialLimit(initial)
                .minLimit(least)
                .maxConcurrency(max)
                .build());
  }

  @Override
  public int limit() {
    return shadow ? Integer.MAX_VALUE : estimate();
  }

  @Override
  public int estimate() {
    return Math.max(least, Math.min(most, algorithm.getLimit()));
  }

  /** Whether it only works the limit out. */
  public boolean isShadow() {
    return shadow;
  }

  @Override
  public void ended(Duration ran, int running, boolean dropped) {
    synchronized (lock) {
      ended++;
      runningAtOnce = Math.max(runningAtOnce, running);
      if (dropped) {
        // How long it took to be refused is no measure of work.
        droppedAny = true;
      } else {
        done++;
        doneNanos += ran.toNanos();
      }
      if (ended >= runningAtOnce) {
        endRound();
      }
    }
  }

  private void endRound() {
    if (done > 0) {
      lastMeanNanos = Math.max(1, doneNanos / done);
    }
    if (done > 0 || seesDrops) {
      // The first argument is the time of the start, which only the library's own windows use.
      algorithm.onSample(0, lastMeanNanos, runningAtOnce, droppedAny);
    }
    ended = 0;
    runningAtOnce = 0;
    done = 0;
    doneNanos = 0;
    droppedAny = false;
  }

  @Override
  public String toString() {
    return "AdaptiveLimit[" + estimate() + (shadow ? " in the shadow]" : "]");
  }

  /** Makes one of the library's limits. */
  private interface Algorithm {
    Limit of(int initial, int least, int most);
  }

  /** Describes a limit; {@link #build} makes it. Not thread-safe. */
  public static final class Builder {

    private final int most;
    private final boolean seesDrops;
    private final Algorithm algorithm;
    private int least = 1;
    private int initial;
    private boolean shadow;

    private Builder(int most, boolean seesDrops, Algorithm algorithm) {
      if (most < 1) {
        throw new IllegalArgumentException("At least 1 handler must be able to run, not " + most);
      }
      this.most = most;
      this.seesDrops = seesDrops;
      this.algorithm = algorithm;
      this.initial = Math.max(1, most / 2);
    }

    /** Never fewer than this, 1 unless set. */
    public Builder least(int handlers) {
      if (handlers < 1 || handlers > most) {
        throw new IllegalArgumentException(
            "The least limit is 1 to " + most + ", the most, not " + handlers);
      }
      least = handlers;
      return this;
    }

    /** What it begins with, half of the most unless set. */
    public Builder initial(int handlers) {
      if (handlers < 1 || handlers > most) {
        throw new IllegalArgumentException(
            "The initial limit is 1 to " + most + ", the most, not " + handlers);
      }
      initial = handlers;
      return this;
    }

    /** Works the limit out and tells of it, but holds nobody to it. */
    public Builder shadow() {
      shadow = true;
      return this;
    }

    /** Makes the limit. */
    public AdaptiveLimit build() {
      return new AdaptiveLimit(this);
    }
  }
}
