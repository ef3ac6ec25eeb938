package dev.forebay.queue.worker;

/**
 * Whose turn it is among lanes that have something waiting: by weight, so that a lane of weight 3
 * has three turns for one of weight 1 (stride scheduling), or strictly the first one that has any.
 * What has waited for the ageing time goes first either way, the longest waiting first, so that
 * nothing starves.
 *
 * <p>Not thread-safe; the line's lock guards it.
 */
final class LaneOrder {

  private static final long STRIDE = 1 << 20;

  /** A lane with nothing waiting. */
  static final long NOTHING = -1;

  private final int[] weights;
  private final boolean strict;
  private final long ageingNanos;
  private final long[] turns;
  private long now;

  /**
   * By these weights, or strictly in the order given.
   *
   * @param ageingNanos what has waited so long goes first
   */
  LaneOrder(int[] weights, boolean strict, long ageingNanos) {
    this.weights = weights.clone();
    this.strict = strict;
    this.ageingNanos = ageingNanos;
    this.turns = new long[weights.length];
  }

  /**
   * The lane whose turn it is; -1 when nothing waits.
   *
   * @param waited nanoseconds the first of each lane has waited, or {@link #NOTHING}
   */
  int next(long[] waited) {
    int chosen = -1;
    int oldest = -1;
    for (int lane = 0; lane < waited.length; lane++) {
      if (waited[lane] == NOTHING) {
        continue;
      }
      if (chosen < 0 || (!strict && turn(lane) < turn(chosen))) {
        chosen = lane;
      }
      if (waited[lane] >= ageingNanos && (oldest < 0 || waited[lane] > waited[oldest])) {
        oldest = lane;
      }
    }
    return oldest >= 0 ? oldest : chosen;
  }

  /** A lane had its turn. */
  void took(int lane) {
    long turn = turn(lane);
    now = Math.max(now, turn);
    turns[lane] = turn + STRIDE / weights[lane];
  }

  /** A lane that had nothing for a while has no claim to the turns it missed. */
  private long turn(int lane) {
    return Math.max(turns[lane], now - STRIDE / weights[lane]);
  }
}
