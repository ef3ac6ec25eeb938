package dev.forebay.queue.kafka;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The records of a partition that may be handed out now. Those with the most waiting behind them in
 * their key go first, since a key with much to do, one at a time, is what takes longest in the end:
 * behind everybody else's first message its slot would stand empty. Every other turn goes round all
 * ranks, so that a hot key does not starve the others even on a single slot (K3).
 *
 * <p>Ranks are powers of two of what waits behind, as it was when the record became ready; within a
 * rank first come, first served. O(1) each. Guarded by the lock of its {@link KeyedBuffer}.
 */
final class KeyedLine {

  private final List<ArrayDeque<KeyedRecord>> ranks = new ArrayList<>(4);
  private int size;
  private boolean round;
  private int next;

  int size() {
    return size;
  }

  boolean isEmpty() {
    return size == 0;
  }

  /** Adds a record with so many behind it in its key. */
  void add(KeyedRecord record, int behind) {
    int rank = Integer.SIZE - Integer.numberOfLeadingZeros(behind);
    while (ranks.size() <= rank) {
      ranks.add(new ArrayDeque<>());
    }
    ranks.get(rank).addLast(record);
    size++;
  }

  @Nullable KeyedRecord poll() {
    if (size == 0) {
      return null;
    }
    size--;
    round = !round;
    return round ? highest() : inTurn();
  }

  private @Nullable KeyedRecord highest() {
    int rank = ranks.size() - 1;
    while (ranks.get(rank).isEmpty()) {
      rank--;
    }
    return ranks.get(rank).pollFirst();
  }

  private @Nullable KeyedRecord inTurn() {
    do {
      next = next == 0 ? ranks.size() - 1 : next - 1;
    } while (ranks.get(next).isEmpty());
    return ranks.get(next).pollFirst();
  }

  void clear() {
    ranks.forEach(ArrayDeque::clear);
    size = 0;
  }
}
