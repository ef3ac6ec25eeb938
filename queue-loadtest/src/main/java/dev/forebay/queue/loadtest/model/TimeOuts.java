package dev.forebay.queue.loadtest.model;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The time-outs of a replay: those of the trace's own time, shortened by the speed-up as far as
 * brokers and machine allow. The same for every queue, so that queues stay comparable. Immutable.
 *
 * @param lease what a message is leased for
 * @param backoff how long after its first failure a message is tried again
 * @param backoffCap how long it is after many
 * @param maxRunTime after which a handler counts as hung, and its lease is left to end
 * @param pollWait how long a poll waits for messages
 * @param floors which of them are longer than the speed-up asks for
 * @param notes how they came about, a sentence each
 */
public record TimeOuts(
    Duration lease,
    Duration backoff,
    Duration backoffCap,
    Duration maxRunTime,
    Duration pollWait,
    List<Floor> floors,
    List<String> notes) {

  /** SQS's longest poll, and what is recommended there. */
  private static final Duration POLL_WAIT = Duration.ofSeconds(20);

  /** What a worker grants unless told otherwise. */
  private static final Duration MAX_RUN_TIME = Duration.ofHours(1);

  /** Both brokers could do one second; then a busy machine's pause would cost a lease. */
  private static final Duration LEAST_LEASE = Duration.ofSeconds(2);

  private static final Duration LEAST_POLL_WAIT = Duration.ofSeconds(1);

  /** Copies the lists. */
  public TimeOuts {
    floors = List.copyOf(floors);
    notes = List.copyOf(notes);
  }

  /**
   * The time-outs for a speed-up.
   *
   * @param lease in the trace's time; no backoff is longer
   * @param backoff in the trace's time
   */
  public static TimeOuts of(SpeedUp speedUp, Duration lease, Duration backoff) {
    List<Floor> floors = new ArrayList<>();
    Duration scaledLease = wholeSeconds(speedUp.scale(lease, LEAST_LEASE));
    Duration wantedLease = speedUp.scale(lease);
    floor(
        floors,
        "lease",
        wantedLease,
        scaledLease,
        wantedLease.compareTo(LEAST_LEASE) < 0
            ? "so that a pause of the machine does not cost a lease"
            : "since SQS counts whole seconds");
    Duration scaledWait = wholeSeconds(speedUp.scale(POLL_WAIT, LEAST_POLL_WAIT));
    // A replay slower than its trace would want more than SQS allows.
    scaledWait = scaledWait.compareTo(POLL_WAIT) > 0 ? POLL_WAIT : scaledWait;
    floor(
        floors,
        "poll wait",
        speedUp.scale(POLL_WAIT),
        scaledWait,
        "since SQS counts whole seconds");
    Duration scaledBackoff = speedUp.scale(backoff);
    Duration scaledCap = speedUp.scale(lease.compareTo(backoff) < 0 ? backoff : lease);
    Duration scaledRunTime = speedUp.scale(MAX_RUN_TIME);
    return new TimeOuts(
        scaledLease,
        scaledBackoff,
        scaledCap,
        scaledRunTime,
        scaledWait,
        floors,
        List.of(
            note("Lease", scaledLease, lease)
                + ", in whole seconds as SQS counts them, and not less than "
                + Floor.text(LEAST_LEASE)
                + ", so that a pause of the machine does not cost a lease.",
            note("Backoff after a failure", scaledBackoff, backoff)
                + ", doubled each time up to "
                + Floor.text(scaledCap)
                + ".",
            note("Poll wait", scaledWait, POLL_WAIT)
                + ", not less than "
                + Floor.text(LEAST_POLL_WAIT)
                + " and not more than SQS's longest.",
            note("A handler counts as hung after", scaledRunTime, MAX_RUN_TIME) + ".",
            "In real time are the time-outs of clients for an answer, the pause before a refused"
                + " message is sent again (0.5 s), and how long a queue drains at the end: they count"
                + " when a broker is away, or after the run."));
  }

  private static void floor(
      List<Floor> floors, String timeOut, Duration wanted, Duration applied, String why) {
    if (applied.compareTo(wanted) > 0) {
      floors.add(new Floor(Floor.ALL, timeOut, wanted, applied, why));
    }
  }

  private static String note(String what, Duration scaled, Duration inTheTrace) {
    return what
        + " "
        + Floor.text(scaled)
        + ": "
        + Floor.text(inTheTrace)
        + " of the trace divided by the speed-up";
  }

  private static Duration wholeSeconds(Duration duration) {
    return Duration.ofSeconds(duration.plusSeconds(1).minusNanos(1).toSeconds());
  }
}
