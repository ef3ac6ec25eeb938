package dev.forebay.queue.kafka;

import java.time.Duration;

/**
 * The arithmetic of waiting: how the partitions of a delay topic divide any delay among them.
 *
 * <h2>Why classes</h2>
 *
 * A partition can only be read in order, so records that wait for different times in one partition
 * stand in each other's way. In class <i>i</i>, which is partition <i>i</i>, every record waits
 * equally long, 2<sup>i-1</sup> s, from the time it was written: the first is always the next to
 * leave, and reading in order is right. When a record leaves with time left, it is written again to
 * the coarsest class that this time covers; with less than a second left, whoever reads it keeps it
 * in memory until it is due. Class 0, which waits for nothing, is the way in for delays below a
 * second. A delay of <i>d</i> seconds takes at most one write for each bit of <i>d</i>; beyond the
 * coarsest class one for each time around.
 *
 * <h2>Whose clock</h2>
 *
 * A record says when it is due by the wall clock of whoever delayed it, and its timestamp says when
 * its wait began. Only for the former do the hosts' clocks matter: the reader never waits for a
 * timestamp that lies in the future of its own first sight of the record, and one that lies too far
 * back costs a write more, nothing else.
 *
 * <p>A wait begins where the one before it should have ended rather than where it did, as long as
 * the reader keeps up: equal delays then go the same way to the millisecond, which keeps the order
 * of a key.
 *
 * <p>Stateless.
 */
final class DelayClasses {

  /** Enough for waits of three days at a time: an hour less would be one partition less. */
  static final int COUNT = 20;

  /**
   * The longest delay: what Kafka keeps records for by default. Longer would work and would need
   * longer retention.
   */
  static final Duration LONGEST = Duration.ofDays(7);

  private static final long UNIT_MILLIS = 1_000;

  /** A reader that is later than this is not in time; then only its own clock counts. */
  private static final long IN_TIME_MILLIS = 250;

  private DelayClasses() {}

  /** How long a record of a class waits there; a partition that is no class waits for nothing. */
  static long waitMillis(int index) {
    return index < 1 || index >= COUNT ? 0 : UNIT_MILLIS << (index - 1);
  }

  /** The coarsest class whose wait is not longer than the time that is left. */
  static int of(long leftMillis) {
    long units = Math.max(0, leftMillis) / UNIT_MILLIS;
    return Math.min(COUNT - 1, Long.SIZE - Long.numberOfLeadingZeros(units));
  }

  /** When a record may leave its class, given its timestamp and when it was first seen. */
  static long leavesAt(int index, long timestamp, long seenAt) {
    return Math.min(timestamp, seenAt) + waitMillis(index);
  }

  /** When the next wait of a record begins that leaves its class now. */
  static long begin(long leavesAt, long now) {
    return now - leavesAt <= IN_TIME_MILLIS ? leavesAt : now;
  }
}
