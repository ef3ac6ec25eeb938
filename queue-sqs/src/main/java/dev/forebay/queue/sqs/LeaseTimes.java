package dev.forebay.queue.sqs;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * The arithmetic of leases on SQS, whose visibility timeouts and waits are whole seconds.
 * Immutable.
 *
 * <p>SQS starts a lease when it picks the message, which may be any time between the sending of a
 * receive and its answer. Here a lease counts from the sending, so that it never ends after SQS's
 * own (A3). A long poll therefore costs the lease up to its wait, and the wait is kept to a third
 * of the lease; below {@link #SHORT_LEASE} even a second's wait is too much, so there SQS is asked
 * for a second more than the lease.
 */
final class LeaseTimes {

  static final Duration MIN_LEASE = Duration.ofSeconds(1);

  /** SQS's limit, for one lease and for a delivery in all. */
  static final Duration MAX_LEASE = Duration.ofHours(12);

  private static final Duration SHORT_LEASE = Duration.ofSeconds(3);

  /** How long a message nobody waits for is held before others get it. */
  private static final Duration HOLD = Duration.ofSeconds(1);

  /** For rounding to seconds, and for SQS and the network to do their part. */
  private static final Duration SLACK = Duration.ofSeconds(2);

  /** What the poll of a round number of seconds has lost when its receive is sent. */
  private static final long ROUNDING = TimeUnit.MILLISECONDS.toNanos(100);

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private final TimeSource time;
  private final long lease;
  private final int longestWait;
  private final int visibility;

  /**
   * The times of a queue.
   *
   * @param pollWait longest wait of one receive; whole seconds count, and one at least
   */
  LeaseTimes(TimeSource time, Duration lease, Duration pollWait) {
    this.time = time;
    this.lease = lease.toNanos();
    boolean isShort = lease.compareTo(SHORT_LEASE) < 0;
    long third = isShort ? 1 : lease.toSeconds() / 3;
    this.longestWait = (int) Math.max(1, Math.min(pollWait.toSeconds(), third));
    this.visibility = (int) (ceilSeconds(lease) + (isShort ? longestWait : 0));
  }

  /** How late a message may come back after its lease: the wait that was counted, and slack. */
  Duration lateness() {
    return SLACK.plusSeconds(longestWait);
  }

  /** The longest wait of a receive. */
  Duration longestWait() {
    return Duration.ofSeconds(longestWait);
  }

  /** The visibility timeout to receive with. */
  int visibilitySeconds() {
    return visibility;
  }

  /**
   * The wait of a receive for polls that wait for this long yet: never much longer than they do, so
   * that it does not take messages nobody waits for.
   */
  int waitSeconds(long nanos) {
    return (int) Math.min(longestWait, (nanos + ROUNDING) / SECOND);
  }

  /** When the lease of a message ends that a receive, sent at this time, has just brought. */
  long deadline(long sentNanos) {
    return Math.min(sentNanos + visibility * SECOND, time.nanoTime() + lease);
  }

  /** Until when a delivery may be held at all, whatever its extensions. */
  static long hardEnd(long sentNanos) {
    return sentNanos + MAX_LEASE.toNanos() - SECOND;
  }

  /** Whether at least half of the lease is left, so that it may be handed out (P4). */
  boolean isFresh(SqsDelivery delivery) {
    return delivery.deadlineNanos() - time.nanoTime() >= lease / 2;
  }

  /** Whether a delivery nobody waits for has to go back. */
  boolean isOverdue(SqsDelivery delivery, long now) {
    long hold = Math.min(lease / 2, HOLD.toNanos());
    return now - delivery.admittedNanos() > hold || delivery.deadlineNanos() - now < lease / 2;
  }

  /** Whether the lease of a held delivery is to be extended before half of it is gone. */
  boolean needsExtension(SqsDelivery delivery, long now) {
    return delivery.deadlineNanos() - now < lease * 3 / 4;
  }

  /** How often to look after what is held and what is leased. */
  Duration tending() {
    return Duration.ofNanos(Math.max(SECOND / 5, Math.min(SECOND, lease / 8)));
  }

  static long ceilSeconds(Duration duration) {
    return duration.plusNanos(SECOND - 1).toSeconds();
  }
}
