package dev.forebay.queue.kafka;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * The records that may be handed out now: one of each partition in turn, so that a full partition
 * does not hold up the others (K3). O(1) each. Guarded by the lock of its {@link KeyedBuffer}.
 */
final class KeyedReady {

  private final ArrayDeque<KeyedPartition> turns = new ArrayDeque<>();
  private int size;

  int size() {
    return size;
  }

  /** Adds a record with so many behind it in its key. */
  void add(KeyedRecord record, int behind) {
    KeyedPartition partition = record.partition;
    if (partition.ready.isEmpty()) {
      turns.addLast(partition);
    }
    partition.ready.add(record, behind);
    size++;
  }

  @Nullable KeyedRecord poll() {
    KeyedPartition partition = turns.pollFirst();
    if (partition == null) {
      return null;
    }
    KeyedRecord record = partition.ready.poll();
    if (!partition.ready.isEmpty()) {
      turns.addLast(partition);
    }
    size--;
    return record;
  }

  /** Takes out all of a partition. */
  void remove(KeyedPartition partition) {
    if (!partition.ready.isEmpty()) {
      turns.remove(partition);
      size -= partition.ready.size();
      partition.ready.clear();
    }
  }
}
