package dev.forebay.queue.loadtest.model;

import java.time.Duration;
import java.util.Locale;

/**
 * A time-out that could not be shortened as far as the speed-up wants, so that a reader can tell
 * what a replay shows of it. Immutable.
 *
 * @param queue whose it is, or {@link #ALL}
 * @param timeOut which: lease, poll wait, backoff or lateness
 * @param wanted what the speed-up asks for
 * @param applied what the queue ran with
 * @param why what forbids less, as the end of a sentence
 */
public record Floor(String queue, String timeOut, Duration wanted, Duration applied, String why) {

  /** Every queue of the run. */
  public static final String ALL = "all queues";

  /** For people. */
  public String sentence() {
    return queue
        + ": "
        + timeOut
        + " "
        + text(applied)
        + " instead of "
        + text(wanted)
        + ", "
        + why
        + ".";
  }

  static String text(Duration duration) {
    return duration.toMillis() % 1_000 == 0 && duration.toNanosPart() == 0
        ? duration.toSeconds() + " s"
        : String.format(Locale.ROOT, "%.3f s", duration.toNanos() / 1e9);
  }
}
