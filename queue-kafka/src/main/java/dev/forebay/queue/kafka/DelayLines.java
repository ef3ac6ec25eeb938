package dev.forebay.queue.kafka;

import dev.forebay.queue.kafka.DelayPartition.Waiting;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the order of each key among the records that are to be written: by when they are due, those
 * of one time as they came.
 *
 * <p>While a record is being written or has to be written again, records of its key that are due
 * later are <i>held</i>; earlier ones are not behind it and go. When it is confirmed, all that were
 * held go together, in order, as one wave, and the next ones wait for that: a write that fails can
 * only be overtaken by what was handed to the producer in the same moment. After a failure the line
 * rests, then its first record goes alone. What has no key has no line. Where a rebalance puts the
 * classes of a key into different processes, each of them keeps the order of its own.
 *
 * <p>What is held is open (see {@link DelayJourneys}), and bounded like that. Belongs to the thread
 * of the {@link DelayForwarder}.
 */
final class DelayLines {

  private static final Comparator<Waiting> ORDER =
      Comparator.<Waiting>comparingLong(each -> each.due).thenComparingLong(each -> each.order);

  /** The records of one key. */
  static final class Line {
    private final ByteBuffer key;
    private final TreeSet<Waiting> held = new TreeSet<>(ORDER);
    private final TreeSet<Waiting> underWay = new TreeSet<>(ORDER);
    private boolean failed;

    /** Until when it rests after a failure; 0 when it does not. */
    private long restsUntil;

    Line(ByteBuffer key) {
      this.key = key;
    }

    private boolean isReady() {
      return underWay.isEmpty() && restsUntil == 0 && !held.isEmpty();
    }

    private boolean isOver() {
      return underWay.isEmpty() && restsUntil == 0 && held.isEmpty();
    }

    private boolean isBefore(Waiting each) {
      return isFirstBefore(held, each) || isFirstBefore(underWay, each);
    }

    private static boolean isFirstBefore(SortedSet<Waiting> some, Waiting each) {
      return !some.isEmpty() && ORDER.compare(some.first(), each) < 0;
    }
  }

  private final Map<ByteBuffer, Line> lines = new HashMap<>();
  private final ArrayDeque<Line> ready = new ArrayDeque<>();
  private final PriorityQueue<Line> resting =
      new PriorityQueue<>(Comparator.comparingLong((Line line) -> line.restsUntil));
  private int held;

  /** Whether something is held back. */
  boolean isHolding() {
    return held > 0;
  }

  /** When a line has rested; {@link Long#MAX_VALUE} when none rests. */
  long nextLook() {
    Line next = resting.peek();
    return next == null ? Long.MAX_VALUE : next.restsUntil;
  }

  /** Whether this record may be written now; if not, it is held until its turn. */
  boolean mayGo(Waiting each) {
    ConsumerRecord<byte[], byte[]> record = each.record;
    if (record == null || record.key() == null) {
      return true;
    }
    Line line = lines.computeIfAbsent(ByteBuffer.wrap(record.key()), Line::new);
    each.line = line;
    if (line.isBefore(each)) {
      line.held.add(each);
      held++;
      return false;
    }
    line.underWay.add(each);
    return true;
  }

  /** It stands elsewhere, is dropped or steps aside: it is in nobody's way any more. */
  void leave(Waiting each) {
    Line line = each.line;
    if (line == null) {
      return;
    }
    each.line = null;
    if (line.held.remove(each)) {
      held--;
    }
    line.underWay.remove(each);
    look(line);
  }

  /**
   * It could not be written and goes back into its line, which rests.
   *
   * @return false when it has no line
   */
  boolean failed(Waiting each, long restUntil) {
    Line line = each.line;
    if (line == null) {
      return false;
    }
    line.underWay.remove(each);
    line.held.add(each);
    held++;
    line.failed = true;
    if (line.restsUntil == 0) {
      line.restsUntil = restUntil;
      resting.add(line);
    }
    look(line);
    return true;
  }

  /** Something of it went, came back or stepped aside: it may be its turn, or over. */
  void look(Line line) {
    if (line.isReady()) {
      ready.add(line);
    } else if (line.isOver()) {
      lines.remove(line.key, line);
    }
  }

  /** What is held of these classes. */
  List<Waiting> heldOf(Set<DelayPartition> homes) {
    List<Waiting> found = new ArrayList<>();
    for (Line line : lines.values()) {
      for (Waiting each : line.held) {
        if (homes.contains(each.home)) {
          found.add(each);
        }
      }
    }
    return found;
  }

  /** A line whose next wave may go now; null when there is none. */
  @Nullable Line next(long now) {
    Line rested = resting.peek();
    while (rested != null && rested.restsUntil <= now) {
      resting.remove();
      rested.restsUntil = 0;
      look(rested);
      rested = resting.peek();
    }
    Line line = ready.poll();
    while (line != null && !line.isReady()) {
      line = ready.poll();
    }
    return line;
  }

  /** Whether the next wave is the first record alone, since the one before failed. */
  boolean goesAlone(Line line) {
    boolean alone = line.failed;
    line.failed = false;
    return alone;
  }

  /** Takes the first record out of the line, to be looked at; null when none is held. */
  @Nullable Waiting first(Line line) {
    Waiting first = line.held.pollFirst();
    if (first != null) {
      held--;
      first.line = null;
    }
    return first;
  }

  /** The record that was just taken out is being written. */
  void goes(Line line, Waiting each) {
    each.line = line;
    line.underWay.add(each);
  }
}
