package dev.forebay.queue.kafka;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which record of each key may be delivered, and which wait behind it (K1). Only a key's leader is
 * ever in the ready line, so that a hot key takes one place there however much of it waits (K3).
 * Records without a key have no order and always lead. O(1) each. Guarded by the lock of its {@link
 * KeyedBuffer}.
 */
final class KeyedLanes {

  /** The records of one key. */
  static final class Lane {
    private final String key;
    private @Nullable KeyedRecord leader;
    private @Nullable ArrayDeque<KeyedRecord> behind;

    Lane(String key) {
      this.key = key;
    }
  }

  private final Map<String, Lane> lanes = new HashMap<>();

  /** Puts a record behind those of its key; true when it leads at once. */
  boolean join(KeyedRecord record) {
    return join(record, false);
  }

  /** Puts a record that had stepped aside before those that wait; true when it leads at once. */
  boolean rejoin(KeyedRecord record) {
    return join(record, true);
  }

  private boolean join(KeyedRecord record, boolean first) {
    String key = record.key();
    if (key == null) {
      return true;
    }
    Lane lane = lanes.computeIfAbsent(key, Lane::new);
    record.lane = lane;
    if (lane.leader == null) {
      lane.leader = record;
      return true;
    }
    record.state = KeyedRecord.State.BEHIND;
    ArrayDeque<KeyedRecord> behind = lane.behind;
    if (behind == null) {
      behind = new ArrayDeque<>(4);
      lane.behind = behind;
    }
    if (first) {
      behind.addFirst(record);
    } else {
      behind.addLast(record);
    }
    return false;
  }

  /** Whether the record may be delivered as far as its key is concerned. */
  boolean leads(KeyedRecord record) {
    Lane lane = record.lane;
    return record.key() == null || (lane != null && lane.leader == record);
  }

  /**
   * Takes a leader out; the next one of its key leads now and is returned, null when there is none.
   */
  @Nullable KeyedRecord leave(KeyedRecord record) {
    Lane lane = record.lane;
    if (lane == null || lane.leader != record) {
      return null;
    }
    record.lane = null;
    ArrayDeque<KeyedRecord> behind = lane.behind;
    KeyedRecord next = null;
    while (behind != null && !behind.isEmpty()) {
      next = behind.pollFirst();
      if (next.state != KeyedRecord.State.GONE) {
        break;
      }
      next = null;
    }
    lane.leader = next;
    if (next == null) {
      lanes.remove(lane.key);
    }
    return next;
  }

  /** How many wait behind a leader. */
  int behind(KeyedRecord record) {
    Lane lane = record.lane;
    return lane == null || lane.behind == null ? 0 : lane.behind.size();
  }

  /** Keys that have any record. */
  int size() {
    return lanes.size();
  }
}
