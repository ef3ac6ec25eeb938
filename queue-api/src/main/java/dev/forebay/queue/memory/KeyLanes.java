package dev.forebay.queue.memory;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which message of each key may be delivered, and which wait behind it (K1). Only a key's leader is
 * ever in the ready line, so a hot key takes one place there however much of it is waiting (K3).
 * O(1) each. Guarded by the lock of its {@link StoredQueue}.
 */
final class KeyLanes {

  private static final class Lane {
    @Nullable Entry leader;
    final ArrayDeque<Entry> waiting = new ArrayDeque<>(2);
  }

  private final Map<String, Lane> lanes = new HashMap<>();
  private long waiting;

  /**
   * Puts a message behind those of its key; true when it leads at once. A message without a key
   * always leads.
   */
  boolean join(Entry entry) {
    return join(entry, false);
  }

  /** Puts a message that had stepped aside before those that wait; true when it leads at once. */
  boolean rejoin(Entry entry) {
    return join(entry, true);
  }

  private boolean join(Entry entry, boolean first) {
    String key = entry.key;
    if (key == null) {
      entry.leadsItsKey = true;
      return true;
    }
    Lane lane = lanes.computeIfAbsent(key, missing -> new Lane());
    if (lane.leader == null) {
      lane.leader = entry;
      entry.leadsItsKey = true;
      return true;
    }
    entry.state = Entry.State.WAITING;
    if (first) {
      lane.waiting.addFirst(entry);
    } else {
      lane.waiting.addLast(entry);
    }
    waiting++;
    return false;
  }

  /**
   * Takes a leader out; the next one of its key leads now and is returned, null when there is none.
   * One that waits just goes.
   */
  @Nullable Entry leave(Entry entry) {
    entry.leadsItsKey = false;
    String key = entry.key;
    Lane lane = key == null ? null : lanes.get(key);
    if (lane == null) {
      return null;
    }
    if (lane.leader != entry) {
      waiting -= lane.waiting.remove(entry) ? 1 : 0;
      return null;
    }
    Entry next = lane.waiting.pollFirst();
    lane.leader = next;
    if (next == null) {
      lanes.remove(key);
      return null;
    }
    waiting--;
    next.leadsItsKey = true;
    return next;
  }

  /** The message that others of its key wait for; null when there is none. */
  @Nullable Entry leader(@Nullable String key) {
    Lane lane = key == null ? null : lanes.get(key);
    return lane == null ? null : lane.leader;
  }

  /** How many messages wait behind the leader of their key. */
  long waiting() {
    return waiting;
  }
}
