package dev.forebay.queue.worker;

import java.time.Duration;

/**
 * How many workers a backlog calls for (W7): as many as bring the newest message to its turn within
 * the acceptable age.
 *
 * <pre>{@code
 * desired workers = backlog ÷ (acceptable age ÷ mean handler time × handlers at once)
 * }</pre>
 *
 * <p>What stands in the brackets is the acceptable backlog per worker, the target that Amazon's
 * guide to scaling on an SQS queue works with ("backlog per instance": acceptable latency ÷ mean
 * processing time); that a worker with so many handlers at once gets through so many times as much
 * is Little's law. The handler time is the recent one ({@link WorkerStats#recentHandlerTime}, an
 * exponentially weighted mean), and the handlers at once are those that the slots, the limit, the
 * permits and the batches really allow ({@link WorkerStats#concurrency}).
 *
 * @param desiredWorkers how many workers there should be; 0 only for an empty queue
 * @param drain how long the workers there are need for the backlog; {@link #NEVER} when there are
 *     none
 */
public record ScaleSignal(int desiredWorkers, Duration drain) {

  /** Longer than anybody waits. */
  public static final Duration NEVER = Duration.ofDays(36_500);

  /**
   * What a backlog calls for.
   *
   * @param backlog messages waiting and in flight
   * @param meanHandlerTime how long one message takes; zero while nothing is known, which calls for
   *     one worker
   * @param concurrency handlers one worker runs at once
   * @param acceptableAge how old a message may be when its turn comes
   * @param workers how many workers there are
   */
  public static ScaleSignal of(
      long backlog,
      Duration meanHandlerTime,
      int concurrency,
      Duration acceptableAge,
      int workers) {
    if (backlog < 0 || concurrency < 1 || workers < 0 || meanHandlerTime.isNegative()) {
      throw new IllegalArgumentException(
          "A scale signal needs a backlog and workers of at least 0, 1 handler at once and no"
              + " negative time");
    }
    if (acceptableAge.isNegative() || acceptableAge.isZero()) {
      throw new IllegalArgumentException("An acceptable age must be positive: " + acceptableAge);
    }
    if (backlog == 0) {
      return new ScaleSignal(0, Duration.ZERO);
    }
    double work = backlog * seconds(meanHandlerTime) / concurrency;
    double desired = Math.ceil(work / seconds(acceptableAge));
    return new ScaleSignal(
        (int) Math.max(1, Math.min(Integer.MAX_VALUE, desired)),
        workers == 0 ? NEVER : capped(work / workers));
  }

  /** What a backlog calls for, by what one of {@code workers} equal workers has measured. */
  public static ScaleSignal of(
      long backlog, WorkerStats stats, Duration acceptableAge, int workers) {
    return of(backlog, stats.recentHandlerTime(), stats.concurrency(), acceptableAge, workers);
  }

  private static double seconds(Duration duration) {
    return duration.getSeconds() + duration.getNano() / 1e9;
  }

  private static Duration capped(double seconds) {
    return seconds >= NEVER.toSeconds() ? NEVER : Duration.ofNanos((long) (seconds * 1e9));
  }
}
