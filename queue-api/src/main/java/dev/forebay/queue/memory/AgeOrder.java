package dev.forebay.queue.memory;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * All stored messages by first-enqueued time, for the age of the oldest. Guarded by the lock of its
 * {@link StoredQueue}.
 *
 * <p>Messages are nearly always enqueued in that order, so they stand in a line that an entry joins
 * and leaves in O(1) without touching others than its neighbours; in a heap of a million each
 * operation would wait for memory some twenty times. Only what arrives out of order, such as a dead
 * letter that keeps its time, goes to a heap.
 */
final class AgeOrder {

  private final EntryHeap late = EntryHeap.byAge();
  private @Nullable Entry oldest;
  private @Nullable Entry newest;

  void add(Entry entry) {
    Entry last = newest;
    if (last == null) {
      oldest = entry;
    } else if (isBefore(entry, last)) {
      late.add(entry);
      return;
    } else {
      last.newer = entry;
      entry.older = last;
    }
    entry.inAgeLine = true;
    newest = entry;
  }

  /** Takes the entry out; nothing happens when it is not in. */
  void remove(Entry entry) {
    if (!entry.inAgeLine) {
      late.remove(entry);
      return;
    }
    Entry older = entry.older;
    Entry newer = entry.newer;
    if (older == null) {
      oldest = newer;
    } else {
      older.newer = newer;
    }
    if (newer == null) {
      newest = older;
    } else {
      newer.older = older;
    }
    entry.older = null;
    entry.newer = null;
    entry.inAgeLine = false;
  }

  /** The one enqueued first; null when there is none. */
  @Nullable Entry first() {
    Entry inLine = oldest;
    Entry outOfLine = late.first();
    if (inLine == null || outOfLine == null) {
      return inLine == null ? outOfLine : inLine;
    }
    return isBefore(outOfLine, inLine) ? outOfLine : inLine;
  }

  /** The entry of this id; looks at all of them. */
  @Nullable Entry find(String id) {
    for (Entry entry = oldest; entry != null; entry = entry.newer) {
      if (entry.envelope.id().equals(id)) {
        return entry;
      }
    }
    Entry[] found = new Entry[1];
    late.forEach(
        entry -> {
          if (entry.envelope.id().equals(id)) {
            found[0] = entry;
          }
        });
    return found[0];
  }

  /** Visits every entry, in no order. */
  void forEach(Consumer<Entry> visitor) {
    for (Entry entry = oldest; entry != null; entry = entry.newer) {
      visitor.accept(entry);
    }
    late.forEach(visitor);
  }

  private static boolean isBefore(Entry a, Entry b) {
    return a.envelope.enqueuedAt().isBefore(b.envelope.enqueuedAt());
  }
}
