package dev.forebay.queue.kafka;

import dev.forebay.queue.Attempts;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What became of the offsets of one partition, from the first unresolved one on.
 *
 * <p>An offset is <i>resolved</i> when nothing needs to be done about it any more: acked,
 * dead-lettered, or no record at all, for compaction and transaction markers leave gaps that no
 * fetch returns. The {@link #base()} is the first that is not, and the only offset that may be
 * committed (C1); what is resolved beyond it travels in the commit's metadata, so that it is not
 * delivered again after a restart (C3).
 *
 * <p>Beside that it knows which unresolved ones are in somebody's hand, and how earlier deliveries
 * ended. O(1) an offset; the span from the first unresolved to the last seen one is bounded by
 * {@value #MAX_SPAN}. Guarded by the lock of its {@link KeyedBuffer}.
 */
final class KeyedLedger {

  /** Two megabytes at the most; a quarter of an hour of 9,000 records a second. */
  static final long MAX_SPAN = 8L << 20;

  private static final long UNKNOWN = -1;

  /**
   * What a record that has been delivered brings along.
   *
   * @param attempts how its deliveries ended
   * @param notBefore when it may be delivered again, in milliseconds of the wall clock; 0: at once
   */
  record Retry(Attempts attempts, long notBefore) {

    private static final Retry NONE = new Retry(Attempts.NONE, 0);
  }

  private final KeyedBits resolved;
  private final KeyedBits started;
  private final NavigableMap<Long, Retry> retries = new TreeMap<>();
  private long base;
  private long next;

  private KeyedLedger(long base, KeyedBits resolved) {
    this.base = base;
    this.next = base;
    this.resolved = resolved;
    this.started = new KeyedBits(Math.max(0, base));
  }

  /** A partition of which nothing was committed yet: it begins with the first record seen. */
  static KeyedLedger fresh() {
    return new KeyedLedger(UNKNOWN, new KeyedBits(0));
  }

  /** A partition that goes on at {@code base}. */
  static KeyedLedger at(long base) {
    return new KeyedLedger(base, new KeyedBits(base));
  }

  /** A partition that goes on at {@code base}, with what was persisted about later offsets. */
  static KeyedLedger restored(long base, KeyedBits resolved, Map<Long, Retry> retries) {
    KeyedLedger ledger = new KeyedLedger(base, resolved);
    ledger.retries.putAll(retries);
    ledger.advance();
    return ledger;
  }

  /** Whether any offset is known. */
  boolean isKnown() {
    return base != UNKNOWN;
  }

  /** The first offset not resolved. */
  long base() {
    return base;
  }

  /** The first offset not seen. */
  long next() {
    return next;
  }

  long span() {
    return next - base;
  }

  /** Whether a record is too far ahead to be kept track of. */
  boolean isBeyond(long offset) {
    return isKnown() && base < next && offset - base >= MAX_SPAN;
  }

  /**
   * The next record of the partition was fetched; whatever is between it and the one before is no
   * record.
   *
   * @return whether it is work; false when it was resolved before
   */
  boolean arrived(long offset) {
    skippedTo(offset);
    boolean isWork = offset >= next && !resolved.get(offset);
    next = Math.max(next, offset + 1);
    if (!isWork) {
      advance();
    }
    return isWork;
  }

  /** There is no further record before {@code position}. */
  void skippedTo(long position) {
    if (!isKnown()) {
      base = position;
      next = position;
      resolved.dropBefore(position);
      started.dropBefore(position);
      return;
    }
    if (position <= next) {
      return;
    }
    if (base == next) {
      base = position;
    } else {
      resolved.setRange(next, position);
    }
    if (!retries.isEmpty()) {
      retries.subMap(next, position).clear();
    }
    next = position;
    advance();
  }

  /** Nothing is to be done about this record any more. */
  void resolve(long offset) {
    resolved.set(offset);
    started.clear(offset);
    if (!retries.isEmpty()) {
      retries.remove(offset);
    }
    if (offset == base) {
      advance();
    }
  }

  boolean isResolved(long offset) {
    return offset < base || resolved.get(offset);
  }

  /** The record was handed out. */
  void started(long offset) {
    started.set(offset);
  }

  /** The record is in nobody's hand any more, and will be delivered again. */
  void comesBack(long offset, Attempts attempts, long notBefore) {
    started.clear(offset);
    if (attempts.isNone() && notBefore == 0) {
      retries.remove(offset);
    } else {
      retries.put(offset, new Retry(attempts, notBefore));
    }
  }

  /** A record that is a copy brought along how the deliveries of its message ended. */
  void brought(long offset, Attempts attempts) {
    retries.put(offset, new Retry(attempts, 0));
  }

  /** What is known of a record's earlier deliveries. */
  Retry retryOf(long offset) {
    @Nullable Retry retry = retries.isEmpty() ? null : retries.get(offset);
    return retry == null ? Retry.NONE : retry;
  }

  private void advance() {
    long first = resolved.nextClear(base);
    // Beyond what was seen only what is persisted as resolved can be passed over.
    base = first;
    next = Math.max(next, base);
    resolved.dropBefore(base);
    started.dropBefore(base);
    if (!retries.isEmpty() && retries.firstKey() < base) {
      retries.headMap(base).clear();
    }
  }

  // For the codec of the metadata.

  KeyedBits resolvedBits() {
    return resolved;
  }

  KeyedBits startedBits() {
    return started;
  }

  NavigableMap<Long, Retry> retries() {
    return retries;
  }
}
