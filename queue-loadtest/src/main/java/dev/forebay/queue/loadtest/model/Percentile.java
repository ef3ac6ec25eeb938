package dev.forebay.queue.loadtest.model;

/** Exact percentiles by nearest rank: the value that was seen, never one in between. */
public final class Percentile {
  private Percentile() {}

  /**
   * The smallest value that at least {@code percent} of the values do not exceed.
   *
   * @param sorted values in ascending order, at least one
   * @param percent above 0, at most 100
   */
  public static long of(long[] sorted, double percent) {
    if (sorted.length == 0 || !(percent > 0 && percent <= 100)) {
      throw new IllegalArgumentException("percentile " + percent + " of " + sorted.length);
    }
    int rank = (int) Math.ceil(percent / 100 * sorted.length);
    return sorted[Math.max(1, rank) - 1];
  }
}
