package dev.forebay.queue;

import java.util.function.Consumer;

/**
 * How a redrive or discard goes about it. Immutable and thread-safe; each setter-like method
 * returns a changed copy.
 *
 * <pre>{@code
 * RedriveOptions.perSecond(50).max(10_000).dryRun()
 * }</pre>
 */
public final class RedriveOptions {

  /**
   * A message that died this often after it was brought back will die again; until then a fix may
   * need more than one try.
   */
  private static final int DEFAULT_MAX_REDRIVES = 3;

  private final double perSecond;
  private final long max;
  private final int maxRedrives;
  private final boolean dryRun;
  private final Consumer<DeadLetters.Report> progress;

  private RedriveOptions(
      double perSecond,
      long max,
      int maxRedrives,
      boolean dryRun,
      Consumer<DeadLetters.Report> progress) {
    this.perSecond = perSecond;
    this.max = max;
    this.maxRedrives = maxRedrives;
    this.dryRun = dryRun;
    this.progress = progress;
  }

  /** As fast as the broker takes them. */
  public static RedriveOptions unlimited() {
    return new RedriveOptions(
        Double.POSITIVE_INFINITY, Long.MAX_VALUE, DEFAULT_MAX_REDRIVES, false, report -> {});
  }

  /**
   * At most this many a second, evenly spread, so that the queue's workers are not flooded.
   *
   * @param rate above zero; 0.1 is one in ten seconds
   */
  public static RedriveOptions perSecond(double rate) {
    if (!(rate > 0)) {
      throw new IllegalArgumentException("A rate must be above zero a second, not " + rate);
    }
    RedriveOptions some = unlimited();
    return new RedriveOptions(rate, some.max, some.maxRedrives, some.dryRun, some.progress);
  }

  /** The rate; infinite without a limit. */
  public double perSecond() {
    return perSecond;
  }

  /** How many matching dead letters to deal with at most. */
  public long max() {
    return max;
  }

  /** These options with a maximum; none by default. */
  public RedriveOptions max(long most) {
    if (most < 1) {
      throw new IllegalArgumentException("A maximum must be at least 1, not " + most);
    }
    return new RedriveOptions(perSecond, most, maxRedrives, dryRun, progress);
  }

  /** How often a message may be redriven. */
  public int maxRedrives() {
    return maxRedrives;
  }

  /**
   * These options with another loop guard: a dead letter that was redriven this often already is
   * skipped; 3 by default.
   */
  public RedriveOptions maxRedrives(int most) {
    if (most < 0) {
      throw new IllegalArgumentException("A number of redrives must not be negative: " + most);
    }
    return new RedriveOptions(perSecond, max, most, dryRun, progress);
  }

  /** Whether nothing is changed. */
  public boolean isDryRun() {
    return dryRun;
  }

  /** These options for a run that changes nothing and reports what it would do. */
  public RedriveOptions dryRun() {
    return new RedriveOptions(perSecond, max, maxRedrives, true, progress);
  }

  /** Who is told of the progress. */
  public Consumer<DeadLetters.Report> progress() {
    return progress;
  }

  /**
   * These options with a listener that is told what was done so far, every few messages and on the
   * calling thread. What it throws ends the run and reaches the caller; what was done stays done.
   */
  public RedriveOptions onProgress(Consumer<DeadLetters.Report> listener) {
    return new RedriveOptions(perSecond, max, maxRedrives, dryRun, listener);
  }
}
