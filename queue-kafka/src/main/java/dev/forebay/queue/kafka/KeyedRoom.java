package dev.forebay.queue.kafka;

import dev.forebay.queue.kafka.KeyedBuffer.Load;
import java.time.Duration;

/**
 * Which partitions may be fetched, by the records and bytes that are held. Belongs to the
 * consumer's thread.
 *
 * <p>One alone may fill the room. Among several, what waits in one of them, be it behind a single
 * key, must not leave the others without (R4, K3): a partition is fetched while it holds at most
 * {@value #TIMES_FREE} times what is free, so that one which only fills up ends at two thirds of
 * the room, a second one like it at two thirds of the rest, and so on. Where all are busy the
 * limits hardly bind. What is resolved and waits for no more than its commit counts for the whole
 * room only: it is gone in a moment.
 *
 * <p>What is fetched comes in chunks, by one of which each limit is exceeded. The reserve therefore
 * ends with the third partition that only fills up; then all wait until something is settled or
 * comes due.
 */
final class KeyedRoom {

  private static final int TIMES_FREE = 2;

  /** What the client fetches of a partition at once by default, unless a record is larger. */
  private static final long FETCH_BYTES = 1 << 20;

  /** How long nothing is fetched, once there is room again, but for no more than one poll. */
  private static final Duration STAY_FULL = Duration.ofMillis(20);

  private final KeyedSettings settings;
  private long fullUntil;

  KeyedRoom(KeyedSettings settings) {
    this.settings = settings;
    this.fullUntil = settings.time().nanoTime();
  }

  /**
   * Whether nothing may be fetched of any partition. Near its limit the room would be full in one
   * look and not in the next, and each change costs more than the few records that it lets in. It
   * is open at once when there is room for two polls, or somebody waits for a record.
   */
  boolean isFull(Load load) {
    long now = settings.time().nanoTime();
    if (load.records() > settings.maxRecords() - settings.maxPoll()
        || load.bytes() >= settings.maxBytes()) {
      fullUntil = now + STAY_FULL.toNanos();
      return true;
    }
    return fullUntil - now > 0
        && !load.hungry()
        && load.records() > settings.maxRecords() - 2L * settings.maxPoll();
  }

  /**
   * Whether a partition may be fetched, as long as the room is not full.
   *
   * @param partitions how many this member has
   */
  boolean mayFetch(KeyedPartition partition, Load load, int partitions) {
    if (partitions < 2) {
      return true;
    }
    // Less the chunk that may come, and the one for which the others need room after it.
    long free =
        settings.maxRecords() - 2L * settings.maxPoll() - (load.records() - load.acksWaiting());
    long freeBytes = settings.maxBytes() - fetchBytes(settings.maxBytes()) - load.bytes();
    // Next to nothing is always little enough: a message or two that wait stop no partition.
    return partition.unresolved() <= Math.max(settings.maxPoll() / 4, TIMES_FREE * free)
        && partition.heldBytes
            <= Math.max(fetchBytes(settings.maxBytes()) / 4, TIMES_FREE * freeBytes);
  }

  /** The most to fetch of a partition at once where so many bytes may be held. */
  static long fetchBytes(long maxBytes) {
    return Math.min(FETCH_BYTES, Math.max(1, maxBytes / 8));
  }
}
