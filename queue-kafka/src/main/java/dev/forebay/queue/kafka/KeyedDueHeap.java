package dev.forebay.queue.kafka;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Records by the end of their lease or delay, in a binary heap that knows where each one stands, so
 * that one timer does for all of them and an ack leaves nothing behind. A new lease ends last as a
 * rule and is added in O(1); otherwise O(log n). Guarded by the lock of its {@link KeyedBuffer}.
 */
final class KeyedDueHeap {

  private @Nullable KeyedRecord[] heap = new @Nullable KeyedRecord[64];
  private int size;

  @Nullable KeyedRecord first() {
    return size == 0 ? null : heap[0];
  }

  void add(KeyedRecord record) {
    if (size == heap.length) {
      heap = Arrays.copyOf(heap, size * 2);
    }
    size++;
    up(size - 1, record);
  }

  /** Takes the record out; nothing happens when it is not in. */
  void remove(KeyedRecord record) {
    int at = record.heapIndex;
    if (at == KeyedRecord.NOT_IN_HEAP) {
      return;
    }
    record.heapIndex = KeyedRecord.NOT_IN_HEAP;
    size--;
    KeyedRecord last = heap[size];
    heap[size] = null;
    if (last != null && at < size) {
      if (at > 0 && before(last, get((at - 1) >>> 1))) {
        up(at, last);
      } else {
        down(at, last);
      }
    }
  }

  private static boolean before(KeyedRecord a, KeyedRecord b) {
    return a.dueNanos - b.dueNanos < 0;
  }

  private KeyedRecord get(int at) {
    KeyedRecord record = heap[at];
    if (record == null) {
      throw new IllegalStateException("A hole in the heap at " + at);
    }
    return record;
  }

  private void up(int from, KeyedRecord record) {
    int at = from;
    while (at > 0 && before(record, get((at - 1) >>> 1))) {
      place(at, get((at - 1) >>> 1));
      at = (at - 1) >>> 1;
    }
    place(at, record);
  }

  private void down(int from, KeyedRecord record) {
    int at = from;
    while (true) {
      int child = 2 * at + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && before(get(child + 1), get(child))) {
        child++;
      }
      if (!before(get(child), record)) {
        break;
      }
      place(at, get(child));
      at = child;
    }
    place(at, record);
  }

  private void place(int at, KeyedRecord record) {
    heap[at] = record;
    record.heapIndex = at;
  }
}
