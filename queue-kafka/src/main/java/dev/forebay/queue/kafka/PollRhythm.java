package dev.forebay.queue.kafka;

import java.time.Duration;

/**
 * When polls come, and what follows for records and lanes that wait for the next one. Guarded by
 * the pool's lock.
 */
final class PollRhythm {

  private static final long MIN_GIVE_BACK_NANOS = Duration.ofSeconds(1).toNanos();
  private static final long MIN_DISARM_NANOS = Duration.ofMillis(250).toNanos();
  private static final long MAX_DISARM_NANOS = Duration.ofSeconds(10).toNanos();
  private static final long MIN_IDLE_NANOS = Duration.ofSeconds(5).toNanos();

  private final long leaseNanos;
  private long lastPollAt;
  private long intervalNanos;

  PollRhythm(long leaseNanos, long now) {
    this.leaseNanos = leaseNanos;
    this.lastPollAt = now;
  }

  void pollBegins(long now) {
    intervalNanos = now - lastPollAt;
    lastPollAt = now;
  }

  void pollEnds(long now) {
    lastPollAt = now;
  }

  /** How long ago a poll came, or one that waited was last there. */
  long idleNanos(long now) {
    return now - lastPollAt;
  }

  /** Whether the next poll is likely to come in a moment. */
  boolean isLively(long now) {
    return idleNanos(now) < MIN_GIVE_BACK_NANOS;
  }

  /** How long a record may lie in the buffer while no poll comes. */
  long giveBackNanos() {
    return Math.min(
        Math.max(MIN_GIVE_BACK_NANOS, 2 * intervalNanos),
        Math.max(MIN_GIVE_BACK_NANOS, leaseNanos));
  }

  /** How long lanes go on fetching while nobody polls. */
  long disarmNanos() {
    return Math.min(Math.max(MIN_DISARM_NANOS, 2 * intervalNanos), MAX_DISARM_NANOS);
  }

  /** How long lanes stay in the group while nobody polls. */
  long leaveNanos() {
    return Math.max(MIN_IDLE_NANOS, 2 * giveBackNanos());
  }
}
