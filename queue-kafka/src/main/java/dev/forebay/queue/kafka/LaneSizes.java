package dev.forebay.queue.kafka;

/**
 * How many records a lane may fetch at a time: as many as the callers finish in {@value
 * #WORK_MILLIS} ms, by what they were seen to do.
 *
 * <p>One record at a time is right for slow work: nothing lies in this process that another one
 * could do. It reaches only one or two per cent of the broker's speed, so where work takes
 * microseconds lanes fetch hundreds. The time a delivery is held comes from an exponential mean,
 * the concurrency from what is held and asked for; their ratio is the rate the callers could reach.
 * Only four sizes exist, since a consumer cannot change its own and a new lane takes time to join.
 *
 * <p>Thread-safe; a lost update of the mean does no harm.
 */
final class LaneSizes {

  /** Sizes of lanes, rising. */
  private static final int[] SIZES = {1, 8, 64, 512};

  static final int LARGEST = 512;
  private static final int WORK_MILLIS = 200;
  private static final double WEIGHT = 1.0 / 16;

  /** Starts slow: a wrong guess the other way would hoard records. */
  private volatile double meanHeldNanos = 1e9;

  private volatile double concurrency = 1;

  /** The largest size that is not above {@code records}, at least 1. */
  static int floor(long records) {
    int size = 1;
    for (int candidate : SIZES) {
      if (candidate <= records) {
        size = candidate;
      }
    }
    return size;
  }

  /** A delivery was settled after having been held so long. */
  @SuppressWarnings("NonAtomicVolatileUpdate")
  void settled(long heldNanos) {
    meanHeldNanos += (Math.max(1_000, heldNanos) - meanHeldNanos) * WEIGHT;
  }

  /** So many deliveries are held or asked for at this moment. */
  @SuppressWarnings("NonAtomicVolatileUpdate")
  void concurrent(long count) {
    concurrency = count >= concurrency ? count : concurrency + (count - concurrency) * WEIGHT;
  }

  /** Records waited in the buffer although callers were there before: they have become slow. */
  void stalled(long waitedNanos) {
    meanHeldNanos = Math.max(meanHeldNanos, Math.max(1, concurrency) * waitedNanos);
  }

  /** The size by the rate the callers could reach. */
  int byRate() {
    return floor((long) (WORK_MILLIS * 1e6 * Math.max(1, concurrency) / meanHeldNanos));
  }
}
