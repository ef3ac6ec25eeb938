package dev.forebay.queue.kafka;

import java.util.ArrayDeque;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * One class of a delay topic in the hands of a {@link DelayForwarder}, and how far it got. Belongs
 * to the forwarder's thread.
 *
 * <p>A record first waits in order of its offset, then it is <i>open</i> until it has been written
 * elsewhere. Open records end in any order; what may be committed is where the first one stands
 * that has not ended.
 */
final class DelayPartition {

  /** One record of the class. */
  static final class Waiting {
    final DelayPartition home;
    final long offset;
    final int bytes;

    /** When it may leave the class, and when it may be delivered, by the wall clock. */
    final long leavesAt;

    final long due;

    /** When to look at it again while it is open: the forwarder's own. */
    long lookAt;

    /** Grows with each record that is opened: what comes first of what is due at one time. */
    long order;

    /** That of its key, while it stands in it. */
    DelayLines.@Nullable Line line;

    boolean sending;

    /** Null once it stands elsewhere. */
    @Nullable ConsumerRecord<byte[], byte[]> record;

    Waiting(DelayPartition home, ConsumerRecord<byte[], byte[]> record, long due, long leavesAt) {
      this.home = home;
      this.offset = record.offset();
      this.record = record;
      this.due = due;
      this.leavesAt = leavesAt;
      this.bytes =
          200 + Math.max(0, record.serializedKeySize()) + Math.max(0, record.serializedValueSize());
    }
  }

  final TopicPartition partition;
  boolean paused;

  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
  private final ArrayDeque<Waiting> open = new ArrayDeque<>();
  private long waitingBytes;
  private long fetchedTo = -1;
  private long committed = -1;

  DelayPartition(TopicPartition partition) {
    this.partition = partition;
  }

  /** A record was fetched at this time of the wall clock. */
  void fetched(ConsumerRecord<byte[], byte[]> record, long now) {
    long said = RecordCodec.notBefore(record.headers());
    long leavesAt = DelayClasses.leavesAt(partition.partition(), record.timestamp(), now);
    // What does not say when it is due, or not legibly, has no business here: it goes on at once.
    Waiting each = new Waiting(this, record, said, said > 0 ? leavesAt : now);
    waiting.add(each);
    waitingBytes += each.bytes;
    fetchedTo = record.offset() + 1;
  }

  /** When the first record that waits may leave; {@link Long#MAX_VALUE} when there is none. */
  long firstLeavesAt() {
    Waiting first = waiting.peek();
    return first == null ? Long.MAX_VALUE : first.leavesAt;
  }

  /** Opens the first record that waits, if it may leave. */
  @Nullable Waiting open(long now) {
    Waiting first = waiting.peek();
    if (first == null || first.leavesAt > now) {
      return null;
    }
    waiting.remove();
    waitingBytes -= first.bytes;
    open.add(first);
    return first;
  }

  int waitingCount() {
    return waiting.size();
  }

  long waitingBytes() {
    return waitingBytes;
  }

  /** Where the first record stands that has not ended; -1 when nothing was fetched. */
  long resolvedTo() {
    Waiting first = open.peek();
    while (first != null && first.record == null) {
      open.remove();
      first = open.peek();
    }
    if (first != null) {
      return first.offset;
    }
    Waiting next = waiting.peek();
    return next == null ? fetchedTo : next.offset;
  }

  /** Whether there is something to commit. */
  boolean isAhead() {
    return resolvedTo() > committed;
  }

  void committed(long offset) {
    committed = Math.max(committed, offset);
  }

  boolean isSending() {
    return open.stream().anyMatch(each -> each.record != null && each.sending);
  }

  /** Records that neither ended nor are being written, before one that has ended. */
  ArrayDeque<Waiting> overtaken() {
    ArrayDeque<Waiting> found = new ArrayDeque<>();
    int overtaken = 0;
    for (Waiting each : open) {
      if (each.record == null) {
        overtaken = found.size();
      } else if (!each.sending) {
        found.add(each);
      }
    }
    while (found.size() > overtaken) {
      found.removeLast();
    }
    return found;
  }
}
