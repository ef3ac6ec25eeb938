package dev.forebay.queue.worker;

import java.time.Duration;

/**
 * How many workers a backlog calls for (W7): as many as bring the newest message to its turn within
 * the acceptable age. One slot handles {@code acceptable age ÷ mean handler time} messages in that
 * time, and a worker has so many slots; the backlog divided by that is the number of workers.
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
   * @param slots handlers one worker runs at once
   * @param acceptableAge how old a message may be when its turn comes
   * @param workers how many workers there are
   */
  public static ScaleSignal of(
      long backlog, Duration meanHandlerTime, int slots, Duration acceptableAge, int workers) {
    if (backlog < 0 || slots < 1 || workers < 0 || meanHandlerTime.isNegative()) {
      throw new IllegalArgumentException(
          "A scale signal needs a backlog and workers of at least 0, 1 slot and no negative time");
    }
    if (acceptableAge.isNegative() || acceptableAge.isZero()) {
      throw new IllegalArgumentException("An acceptable age must be positive: " + acceptableAge);
    }
    if (backlog == 0) {
      return new ScaleSignal(0, Duration.ZERO);
    }
    double work = backlog * seconds(meanHandlerTime) / slots;
    double desired = Math.ceil(work / seconds(acceptableAge));
    return new ScaleSignal(
        (int) Math.max(1, Math.min(Integer.MAX_VALUE, desired)),
        workers == 0 ? NEVER : capped(work / workers));
  }

  /** What a backlog calls for, by what one of {@code workers} equal workers has measured. */
  public static ScaleSignal of(
      long backlog, WorkerStats stats, Duration acceptableAge, int workers) {
    return of(backlog, stats.handlerTime().mean(), stats.slots(), acceptableAge, workers);
  }

  private static double seconds(Duration duration) {
    return duration.getSeconds() + duration.getNano() / 1e9;
  }

  private static Duration capped(double seconds) {
    return seconds >= NEVER.toSeconds() ? NEVER : Duration.ofNanos((long) (seconds * 1e9));
  }
}
