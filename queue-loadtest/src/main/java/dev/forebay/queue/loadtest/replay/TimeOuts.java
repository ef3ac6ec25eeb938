package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.loadtest.model.SpeedUp;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * The time-outs of a replay: those of the trace's own time, shortened by the speed-up as far as
 * brokers and machine allow. The same for every queue, so that queues stay comparable. Immutable.
 *
 * @param lease what a message is leased for
 * @param backoff how long after its failure a message is tried again
 * @param pollWait how long a poll waits for messages
 * @param notes how they came about, a sentence each
 */
record TimeOuts(Duration lease, Duration backoff, Duration pollWait, List<String> notes) {
  /** SQS's longest poll, and what is recommended there. */
  private static final Duration POLL_WAIT = Duration.ofSeconds(20);

  /** Both brokers could do one second; then a busy machine's pause would cost a lease. */
  private static final Duration LEAST_LEASE = Duration.ofSeconds(2);

  private static final Duration LEAST_POLL_WAIT = Duration.ofSeconds(1);

  /**
   * The time-outs for a speed-up.
   *
   * @param lease in the trace's time
   * @param backoff in the trace's time
   */
  static TimeOuts of(SpeedUp speedUp, Duration lease, Duration backoff) {
    Duration scaledLease = wholeSeconds(speedUp.scale(lease, LEAST_LEASE));
    Duration scaledBackoff = speedUp.scale(backoff);
    Duration scaledWait = wholeSeconds(speedUp.scale(POLL_WAIT, LEAST_POLL_WAIT));
    return new TimeOuts(
        scaledLease,
        scaledBackoff,
        scaledWait,
        List.of(
            "Lease "
                + text(scaledLease)
                + ": "
                + text(lease)
                + " of the trace divided by the speed-up, in whole seconds as SQS counts them, and"
                + " not less than "
                + text(LEAST_LEASE)
                + ", so that a pause of the machine does not cost a lease.",
            "Backoff after a failure "
                + text(scaledBackoff)
                + ": "
                + text(backoff)
                + " of the trace divided by the speed-up.",
            "Poll wait "
                + text(scaledWait)
                + ": "
                + text(POLL_WAIT)
                + " of the trace divided by the speed-up, not less than "
                + text(LEAST_POLL_WAIT)
                + "."));
  }

  private static Duration wholeSeconds(Duration duration) {
    return Duration.ofSeconds(duration.plusSeconds(1).minusNanos(1).toSeconds());
  }

  private static String text(Duration duration) {
    return duration.toMillis() % 1_000 == 0
        ? duration.toSeconds() + " s"
        : String.format(Locale.ROOT, "%.3f s", duration.toNanos() / 1e9);
  }
}
