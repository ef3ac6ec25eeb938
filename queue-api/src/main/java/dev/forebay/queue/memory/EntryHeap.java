package dev.forebay.queue.memory;

import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A heap of entries that knows where each one stands, so that an extended or settled lease moves or
 * leaves in O(log n) and leaves no garbage behind. Equal keys come in order of their sequence,
 * which makes runs repeatable. Not thread-safe.
 *
 * <p>With a million entries it is memory that costs, not comparing: each node has four children, so
 * that there are half as many levels, and the keys stand in an array beside the entries, so that
 * choosing among four children reads one or two cache lines and not four entries.
 */
abstract class EntryHeap {

  private static final int CHILDREN = 4;

  private @Nullable Entry[] heap = new @Nullable Entry[16];
  private long[] keys = new long[16];
  private int size;

  /** What the entry is ordered by; must not change while it is in the heap. */
  abstract long key(Entry entry);

  abstract int index(Entry entry);

  abstract void index(Entry entry, int index);

  /** By the end of the delay or lease. An entry is in one such heap at most. */
  static EntryHeap byDueTime() {
    return new EntryHeap() {
      @Override
      long key(Entry entry) {
        return entry.dueNanos;
      }

      @Override
      int index(Entry entry) {
        return entry.dueIndex;
      }

      @Override
      void index(Entry entry, int index) {
        entry.dueIndex = index;
      }
    };
  }

  /** By first-enqueued time, which is known to the millisecond. */
  static EntryHeap byAge() {
    return new EntryHeap() {
      @Override
      long key(Entry entry) {
        return entry.envelope.enqueuedAt().toEpochMilli();
      }

      @Override
      int index(Entry entry) {
        return entry.ageIndex;
      }

      @Override
      void index(Entry entry, int index) {
        entry.ageIndex = index;
      }
    };
  }

  @Nullable Entry first() {
    return size == 0 ? null : heap[0];
  }

  void add(Entry entry) {
    if (size == heap.length) {
      resize(size * 2);
    }
    size++;
    up(size - 1, entry, key(entry));
  }

  /** Takes the entry out; nothing happens when it is not in. */
  void remove(Entry entry) {
    int at = index(entry);
    if (at == Entry.NOT_IN_HEAP) {
      return;
    }
    index(entry, Entry.NOT_IN_HEAP);
    size--;
    Entry last = heap[size];
    heap[size] = null;
    if (last != null && at < size) {
      long key = keys[size];
      if (at > 0 && before(key, last, parent(at))) {
        up(at, last, key);
      } else {
        down(at, last, key);
      }
    }
    if (heap.length > 64 && size < heap.length / 4) {
      resize(heap.length / 2);
    }
  }

  /** Visits every entry, in no order. */
  void forEach(Consumer<Entry> visitor) {
    for (int at = 0; at < size; at++) {
      visitor.accept(get(at));
    }
  }

  private void resize(int capacity) {
    heap = Arrays.copyOf(heap, capacity);
    keys = Arrays.copyOf(keys, capacity);
  }

  /** The difference and not the order of the keys: monotonic times may pass the largest number. */
  private boolean before(long key, Entry entry, int other) {
    long difference = key - keys[other];
    return difference < 0 || (difference == 0 && entry.sequence < get(other).sequence);
  }

  private static int parent(int at) {
    return (at - 1) / CHILDREN;
  }

  private Entry get(int at) {
    Entry entry = heap[at];
    if (entry == null) {
      throw new IllegalStateException("A hole in the heap at " + at);
    }
    return entry;
  }

  private void up(int from, Entry entry, long key) {
    int at = from;
    while (at > 0 && before(key, entry, parent(at))) {
      place(at, get(parent(at)), keys[parent(at)]);
      at = parent(at);
    }
    place(at, entry, key);
  }

  private void down(int from, Entry entry, long key) {
    int at = from;
    int first = CHILDREN * at + 1;
    while (first < size) {
      int least = first;
      for (int child = first + 1; child < Math.min(first + CHILDREN, size); child++) {
        if (before(keys[child], get(child), least)) {
          least = child;
        }
      }
      if (before(key, entry, least)) {
        break;
      }
      place(at, get(least), keys[least]);
      at = least;
      first = CHILDREN * at + 1;
    }
    place(at, entry, key);
  }

  private void place(int at, Entry entry, long key) {
    heap[at] = entry;
    keys[at] = key;
    index(entry, at);
  }
}
