package dev.forebay.queue.kafka;

import dev.forebay.queue.Settlement;
import dev.forebay.queue.spi.Envelope;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A record of an assigned partition, from its fetch until the broker has its resolution. Guarded by
 * the lock of its {@link KeyedBuffer}.
 */
final class KeyedRecord {

  static final int NOT_IN_HEAP = -1;

  /** Where a record is; in one place at a time. */
  enum State {
    /** Fetched, and not in any place yet. */
    NEW,
    /** Behind the leader of its key. */
    BEHIND,
    /** Not before its time. */
    DELAYED,
    /** May be handed out. */
    READY,
    /** In somebody's hand. */
    LEASED,
    /** Cannot be decoded; its dead letter is being written. */
    ASIDE,
    /** Nothing is to be done about it any more. */
    RESOLVED,
    /** Not ours any more: its partition moved. */
    GONE
  }

  final KeyedPartition partition;
  final long offset;
  final int bytes;

  /** Null when it cannot be decoded, and once it is resolved. */
  @Nullable Envelope envelope;

  /** What it is a copy of. */
  Copy copy = Copy.NONE;

  /** Written under the lock. */
  volatile State state = State.NEW;

  KeyedLanes.@Nullable Lane lane;
  @Nullable KeyedDelivery delivery;

  /** End of the lease or of the delay. */
  long dueNanos;

  int heapIndex = NOT_IN_HEAP;

  /** How many of its partition were resolved before it. */
  long resolution;

  /** Who waits for the broker to have the resolution. */
  @Nullable CompletableFuture<Settlement> answer;

  // The partition's list of records that are not resolved.
  @Nullable KeyedRecord previous;
  @Nullable KeyedRecord following;

  KeyedRecord(KeyedPartition partition, long offset, int bytes, @Nullable Envelope envelope) {
    this.partition = partition;
    this.offset = offset;
    this.bytes = bytes;
    this.envelope = envelope;
  }

  @Nullable String key() {
    return envelope == null ? null : envelope.message().key().orElse(null);
  }

  /** Coordinates for logs; nothing of the content. */
  @Override
  public String toString() {
    return partition.id + "@" + offset;
  }
}
