package dev.forebay.queue.kafka;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.kafka.KeyedRecord.State;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.TimeSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of each record: behind its key, ready, in hand, delayed, resolved, left to another
 * member; and how many there are. O(log n) a step. Guarded by the lock of its {@link KeyedBuffer},
 * which also tells answers and lost deliveries after it has let go of the lock.
 */
final class KeyedRecords {

  private final WorkQueue queue;
  private final KeyedSettings settings;
  private final TimeSource time;
  private final Runnable whenReady;
  private final KeyedReady ready = new KeyedReady();
  private final KeyedLanes lanes = new KeyedLanes();
  private final KeyedDueHeap due = new KeyedDueHeap();
  // Those of which a record was seen; for explanations.
  private final Set<KeyedPartition> partitions = new HashSet<>();
  private List<Runnable> after = new ArrayList<>();
  private long records;
  private long bytes;
  private long leased;
  private long acksWaiting;

  /**
   * No records yet.
   *
   * @param whenReady told of each record that may be handed out
   */
  KeyedRecords(KeyedSettings settings, WorkQueue queue, Runnable whenReady) {
    this.settings = settings;
    this.queue = queue;
    this.time = settings.time();
    this.whenReady = whenReady;
  }

  int ready() {
    return ready.size();
  }

  /** Held: not resolved, or resolved and not confirmed. */
  long count() {
    return records;
  }

  /** Of those that are not resolved. */
  long bytes() {
    return bytes;
  }

  long leased() {
    return leased;
  }

  /** Resolved and not confirmed. */
  long acksWaiting() {
    return acksWaiting;
  }

  /** The record of a message that is not resolved; looks at all. Null when there is none. */
  @Nullable KeyedRecord find(String id) {
    for (KeyedPartition partition : partitions) {
      for (KeyedRecord record : partition.open()) {
        if (record.envelope != null && record.envelope.id().equals(id)) {
          return record;
        }
      }
    }
    return null;
  }

  /** Nanoseconds until the next lease or delay ends; large when there is none. */
  long untilDue(long now) {
    KeyedRecord first = due.first();
    return first == null ? Long.MAX_VALUE : first.dueNanos - now;
  }

  boolean hasAfter() {
    return !after.isEmpty();
  }

  /** What is to be told once the lock is free. */
  List<Runnable> takeAfter() {
    List<Runnable> taken = after;
    after = new ArrayList<>();
    return taken;
  }

  /** Decides a delivery as its settlement says, unless its lease ended first. */
  void apply(KeyedDelivery delivery) {
    KeyedRecord record = delivery.record;
    CompletableFuture<Settlement> answer = delivery.answer;
    if (record.delivery != delivery || record.state != State.LEASED) {
      answerLater(answer, delivery.stored ? Settlement.UNKNOWN : Settlement.STALE);
      after.add(delivery::lose);
      return;
    }
    endLease(record);
    delivery.settled();
    if (delivery.done) {
      resolve(record, answer);
    } else {
      comeBack(record, delivery.attemptsAfter, time.nanoTime(), delivery.delayNanos);
      answerLater(answer, Settlement.OK);
    }
  }

  private void answerLater(@Nullable CompletableFuture<Settlement> answer, Settlement with) {
    if (answer != null) {
      after.add(() -> answer.complete(with));
    }
  }

  /** Hands out what is ready. */
  List<Delivery> hand(int max, long now) {
    if (ready.size() == 0) {
      return List.of();
    }
    List<Delivery> taken = new ArrayList<>(Math.min(max, ready.size()));
    long end = now + settings.lease().toNanos();
    while (taken.size() < max) {
      KeyedRecord record = ready.poll();
      if (record == null || record.envelope == null) {
        break;
      }
      KeyedPartition partition = record.partition;
      record.state = State.LEASED;
      record.dueNanos = end;
      due.add(record);
      partition.leased++;
      leased++;
      partition.ledger.started(record.offset);
      partition.dirty = true;
      KeyedDelivery delivery =
          new KeyedDelivery(
              queue, record.envelope, record, partition.nextToken(record), time, now, end);
      record.delivery = delivery;
      taken.add(delivery);
    }
    return taken;
  }

  /** Whether the lease now ends at {@code end}. */
  boolean extend(KeyedDelivery delivery, long end) {
    KeyedRecord record = delivery.record;
    if (record.delivery != delivery || !delivery.extendedTo(end)) {
      return false;
    }
    due.remove(record);
    record.dueNanos = end;
    due.add(record);
    return true;
  }

  /** The dead letter of a delivery could not be written: its lease goes on, or has ended. */
  void reopened(KeyedDelivery delivery) {
    KeyedRecord record = delivery.record;
    if (record.delivery == delivery && record.heapIndex == KeyedRecord.NOT_IN_HEAP) {
      record.dueNanos = delivery.deadlineNanos();
      due.add(record);
    }
  }

  private void endLease(KeyedRecord record) {
    due.remove(record);
    record.delivery = null;
    record.partition.leased--;
    leased--;
  }

  private void resolve(KeyedRecord record, @Nullable CompletableFuture<Settlement> answer) {
    KeyedPartition partition = record.partition;
    record.state = State.RESOLVED;
    record.answer = answer;
    partition.ledger.resolve(record.offset);
    partition.unlink(record);
    partition.resolved(record);
    bytes -= record.bytes;
    partition.heldBytes -= record.bytes;
    acksWaiting++;
    KeyedRecord next = lanes.leave(record);
    record.envelope = null;
    if (next != null) {
      place(next, time.nanoTime());
    }
  }

  private void comeBack(KeyedRecord record, Attempts attempts, long now, long delayNanos) {
    Envelope envelope = record.envelope;
    if (envelope == null) {
      throw new IllegalStateException("A record that was resolved comes back: " + record);
    }
    record.envelope = envelope.withAttempts(attempts);
    record.dueNanos = now + delayNanos;
    long notBefore = delayNanos <= 0 ? 0 : time.now().plusNanos(delayNanos).toEpochMilli() + 1;
    record.partition.ledger.comesBack(record.offset, attempts, notBefore);
    record.partition.dirty = true;
    if (stepsAside(record)) {
      KeyedRecord next = lanes.leave(record);
      if (next != null) {
        place(next, now);
      }
      if (delayNanos <= 0 && !lanes.rejoin(record)) {
        return;
      }
    }
    place(record, now);
  }

  private boolean stepsAside(KeyedRecord record) {
    return settings.keyPolicy() == KeyPolicy.RELAXED && record.key() != null;
  }

  private void place(KeyedRecord record, long now) {
    if (record.partition.leaving) {
      forget(record);
    } else if (record.dueNanos - now > 0) {
      record.state = State.DELAYED;
      due.add(record);
    } else {
      record.state = State.READY;
      ready.add(record, lanes.behind(record));
      whenReady.run();
    }
  }

  /** Ends leases and delays whose time has come. */
  void expire(long now) {
    for (KeyedRecord record = due.first();
        record != null && record.dueNanos - now <= 0;
        record = due.first()) {
      KeyedDelivery delivery = record.delivery;
      if (delivery == null) {
        due.remove(record);
        if (lanes.leads(record) || lanes.rejoin(record)) {
          place(record, now);
        }
      } else if (delivery.writing) {
        due.remove(record);
      } else {
        endLease(record);
        after.add(delivery::lose);
        comeBack(record, delivery.attempts().plusLeaseLost(), now, 0);
      }
    }
  }

  /**
   * Takes in a record, the next of its partition.
   *
   * @param notBefore when it may be delivered at first, in milliseconds of the wall clock
   */
  void add(KeyedRecord record, long notBefore, long now, long wall) {
    KeyedPartition partition = record.partition;
    if (partition.held == 0) {
      partitions.add(partition);
    }
    partition.link(record);
    records++;
    bytes += record.bytes;
    partition.heldBytes += record.bytes;
    Envelope envelope = record.envelope;
    if (envelope == null) {
      record.state = State.ASIDE;
      return;
    }
    KeyedLedger.Retry retry = partition.ledger.retryOf(record.offset);
    if (!retry.attempts().isNone()) {
      record.envelope = envelope.withAttempts(retry.attempts());
    } else if (!envelope.attempts().isNone()) {
      // What the metadata counts from should this process die with the record in somebody's hand.
      partition.ledger.brought(record.offset, envelope.attempts());
    }
    long early = Math.max(retry.notBefore(), notBefore) - wall;
    record.dueNanos = early <= 0 ? now : now + TimeUnit.MILLISECONDS.toNanos(early);
    if ((early > 0 && stepsAside(record)) || lanes.join(record)) {
      place(record, now);
    }
  }

  /** The dead letter of a record that cannot be decoded is written, or none is wanted. */
  void resolveAside(KeyedRecord record) {
    if (record.state == State.ASIDE) {
      resolve(record, null);
    }
  }

  /** The broker has this commit. */
  void confirmed(KeyedPartition.Commit commit) {
    int count =
        commit.partition().confirmed(commit, record -> answerLater(record.answer, Settlement.OK));
    records -= count;
    acksWaiting -= count;
  }

  /** Starts nothing more of these partitions; what nobody has in hand is left to others. */
  void leave(Collection<KeyedPartition> partitions) {
    List<KeyedRecord> unstarted = new ArrayList<>();
    for (KeyedPartition partition : partitions) {
      partition.leaving = true;
      ready.remove(partition);
      for (KeyedRecord record : partition.open()) {
        if (record.state != State.LEASED) {
          unstarted.add(record);
        }
      }
    }
    // All of them first: none may come to lead its key now.
    unstarted.forEach(record -> record.state = State.GONE);
    unstarted.forEach(this::forget);
  }

  /** Lets go of these partitions: whoever still has a record in hand has lost it. */
  void drop(Collection<KeyedPartition> partitions) {
    leave(partitions);
    this.partitions.removeAll(partitions);
    for (KeyedPartition partition : partitions) {
      for (KeyedRecord record : partition.open()) {
        KeyedDelivery delivery = record.delivery;
        if (delivery != null) {
          endLease(record);
          after.add(delivery::lose);
        }
        forget(record);
      }
      for (KeyedRecord record : partition.unconfirmed()) {
        records--;
        acksWaiting--;
        answerLater(record.answer, Settlement.UNKNOWN);
      }
    }
  }

  private void forget(KeyedRecord record) {
    record.state = State.GONE;
    due.remove(record);
    record.partition.unlink(record);
    record.partition.held--;
    records--;
    bytes -= record.bytes;
    record.partition.heldBytes -= record.bytes;
    KeyedRecord next = lanes.leave(record);
    if (next != null) {
      place(next, time.nanoTime());
    }
  }
}
