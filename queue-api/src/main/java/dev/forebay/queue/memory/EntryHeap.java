package dev.forebay.queue.memory;

import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A binary heap of entries that knows where each one stands, so that an extended or settled lease
 * moves or leaves in O(log n) and leaves no garbage behind. Equal keys come in order of their
 * sequence, which makes runs repeatable. Not thread-safe.
 */
abstract class EntryHeap {

  private @Nullable Entry[] heap = new @Nullable Entry[16];
  private int size;

  /** Whether {@code a} comes before {@code b}; must not change while both are in the heap. */
  abstract boolean before(Entry a, Entry b);

  abstract int index(Entry entry);

  abstract void index(Entry entry, int index);

  /** By the end of the delay or lease. */
  static EntryHeap byDueTime() {
    return new EntryHeap() {
      @Override
      boolean before(Entry a, Entry b) {
        long difference = a.dueNanos - b.dueNanos;
        return difference < 0 || (difference == 0 && a.sequence < b.sequence);
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

  /** By first-enqueued time. */
  static EntryHeap byAge() {
    return new EntryHeap() {
      @Override
      boolean before(Entry a, Entry b) {
        int difference = a.envelope.enqueuedAt().compareTo(b.envelope.enqueuedAt());
        return difference < 0 || (difference == 0 && a.sequence < b.sequence);
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
      heap = Arrays.copyOf(heap, size * 2);
    }
    size++;
    up(size - 1, entry);
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
      if (at > 0 && before(last, parent(at))) {
        up(at, last);
      } else {
        down(at, last);
      }
    }
    if (heap.length > 64 && size < heap.length / 4) {
      heap = Arrays.copyOf(heap, heap.length / 2);
    }
  }

  /** Visits every entry, in no order. */
  void forEach(Consumer<Entry> visitor) {
    for (int at = 0; at < size; at++) {
      visitor.accept(get(at));
    }
  }

  private Entry parent(int at) {
    return get((at - 1) >>> 1);
  }

  private Entry get(int at) {
    Entry entry = heap[at];
    if (entry == null) {
      throw new IllegalStateException("A hole in the heap at " + at);
    }
    return entry;
  }

  private void up(int from, Entry entry) {
    int at = from;
    while (at > 0 && before(entry, parent(at))) {
      place(at, parent(at));
      at = (at - 1) >>> 1;
    }
    place(at, entry);
  }

  private void down(int from, Entry entry) {
    int at = from;
    while (true) {
      int child = 2 * at + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && before(get(child + 1), get(child))) {
        child++;
      }
      if (!before(get(child), entry)) {
        break;
      }
      place(at, get(child));
      at = child;
    }
    place(at, entry);
  }

  private void place(int at, Entry entry) {
    heap[at] = entry;
    index(entry, at);
  }
}
