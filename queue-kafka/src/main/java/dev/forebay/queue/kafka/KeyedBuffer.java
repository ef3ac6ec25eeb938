package dev.forebay.queue.kafka;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.kafka.KeyedRecord.State;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.common.errors.InterruptException;
import org.jspecify.annotations.Nullable;

/**
 * The records that were fetched and are not resolved, and who may have them next: where the thread
 * of the consumer, the callers of poll and those that settle meet.
 *
 * <p>One lock, under which every operation is O(log n) at most. The consumer's thread takes it once
 * a fetch and a poll once a batch. A settlement does not wait for it: it goes into an inbox, a
 * stack of deliveries, and whoever has the lock works the inbox off before he leaves, for others
 * too. Who put something in tries for the lock until his is taken out.
 *
 * <p>A delivery is decided here and nowhere else: by the first of its settlement and the end of its
 * lease that is worked off. Answers and lost deliveries are told outside the lock. Thread-safe.
 */
final class KeyedBuffer {

  private static final CompletableFuture<Settlement> STALE =
      CompletableFuture.completedFuture(Settlement.STALE);

  /** Looks at the inbox before the lock is waited for; it is held for microseconds. */
  private static final int SPINS = 64;

  private final WorkQueue queue;
  private final KeyedSettings settings;
  private final TimeSource time;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition consumerHasWork = lock.newCondition();
  private final AtomicReference<@Nullable KeyedDelivery> inbox = new AtomicReference<>();
  private final KeyedReady ready = new KeyedReady();
  private final KeyedLanes lanes = new KeyedLanes();
  private final KeyedDueHeap due = new KeyedDueHeap();
  private final KeyedWaiters waiters;
  private List<Runnable> after = new ArrayList<>();
  private long records;
  private long bytes;
  private long leased;
  private long acksWaiting;
  private long lastPoll;
  private boolean polledOnce;
  private boolean consumerWaits;
  private boolean consumerAsleep;
  private boolean closing;

  KeyedBuffer(KeyedSettings settings, WorkQueue queue) {
    this.settings = settings;
    this.queue = queue;
    this.time = settings.time();
    this.waiters = new KeyedWaiters(lock, time);
  }

  // The lock and the inbox.

  private void enter() {
    lock.lock();
    drain();
  }

  private void exit() {
    while (true) {
      drain();
      List<Runnable> todo = List.of();
      if (!after.isEmpty()) {
        todo = after;
        after = new ArrayList<>();
      }
      if (consumerWaits && (acksWaiting > 0 || records < settings.maxRecords() / 2)) {
        consumerWaits = false;
        consumerHasWork.signal();
      }
      lock.unlock();
      todo.forEach(Runnable::run);
      if (inbox.get() == null || !lock.tryLock()) {
        return;
      }
    }
  }

  private void drain() {
    KeyedDelivery top = inbox.get() == null ? null : inbox.getAndSet(null);
    // The last that came in is on top.
    KeyedDelivery first = null;
    while (top != null) {
      KeyedDelivery below = top.below;
      top.below = first;
      first = top;
      top = below;
    }
    while (first != null) {
      KeyedDelivery next = first.below;
      first.below = null;
      apply(first);
      first = next;
    }
  }

  private void submit(KeyedDelivery delivery) {
    KeyedDelivery top;
    do {
      top = inbox.get();
      delivery.below = top;
    } while (!inbox.compareAndSet(top, delivery));
    for (int look = 0; look < SPINS; look++) {
      if (inbox.get() == null) {
        return;
      }
      if (lock.tryLock()) {
        exit();
        return;
      }
      Thread.onSpinWait();
    }
    // Who had the lock may have given it away by a wait, without a look into the inbox.
    lock.lock();
    exit();
  }

  private void apply(KeyedDelivery delivery) {
    KeyedRecord record = delivery.record;
    CompletableFuture<Settlement> answer = delivery.answer;
    if (record.delivery != delivery || record.state != State.LEASED) {
      answerLater(answer, Settlement.STALE);
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

  // Callers of the queue.

  List<Delivery> poll(int max, Duration wait) {
    enter();
    try {
      long until = time.nanoTime() + Math.min(wait.toNanos(), Long.MAX_VALUE / 4);
      while (true) {
        long now = time.nanoTime();
        lastPoll = now;
        polledOnce = true;
        if (consumerAsleep) {
          consumerHasWork.signal();
        }
        expire(now);
        List<Delivery> taken = hand(max, now);
        if (!taken.isEmpty() || until - now <= 0 || closing || !await(until - now)) {
          if (ready.size() > 0) {
            waiters.wakeOne();
          }
          return taken;
        }
      }
    } finally {
      lastPoll = time.nanoTime();
      exit();
    }
  }

  private boolean await(long nanos) {
    if (!after.isEmpty()) {
      // A wait gives the lock away without passing exit(), where others are told.
      exit();
      enter();
      return true;
    }
    return waiters.await(nanos);
  }

  private List<Delivery> hand(int max, long now) {
    if (ready.size() == 0 || closing) {
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
          new KeyedDelivery(queue, record.envelope, record, partition.nextToken(), time, now, end);
      record.delivery = delivery;
      taken.add(delivery);
    }
    return taken;
  }

  /** Resolves a delivery whose settlement has begun; answers when the broker has it. */
  CompletableFuture<Settlement> resolve(KeyedDelivery delivery) {
    CompletableFuture<Settlement> answer = new CompletableFuture<>();
    delivery.answer = answer;
    delivery.done = true;
    submit(delivery);
    return answer;
  }

  /** Gives back a delivery whose settlement has begun. */
  CompletableFuture<Settlement> release(KeyedDelivery delivery, Attempts attempts, Duration delay) {
    CompletableFuture<Settlement> answer = new CompletableFuture<>();
    delivery.answer = answer;
    delivery.attemptsAfter = attempts;
    delivery.delayNanos = delay.toNanos();
    submit(delivery);
    return answer;
  }

  CompletableFuture<Settlement> extend(KeyedDelivery delivery, Duration lease) {
    enter();
    try {
      KeyedRecord record = delivery.record;
      long end = time.nanoTime() + lease.toNanos();
      if (record.delivery == delivery && delivery.extendedTo(end)) {
        due.remove(record);
        record.dueNanos = end;
        due.add(record);
        return CompletableFuture.completedFuture(Settlement.OK);
      }
    } finally {
      exit();
    }
    boolean unused = delivery.isLost();
    return STALE.copy();
  }

  /** The dead letter could not be written: the lease goes on, or ends now. */
  void reopen(KeyedDelivery delivery) {
    delivery.writing = false;
    delivery.reopen();
    enter();
    try {
      KeyedRecord record = delivery.record;
      if (record.delivery == delivery && record.heapIndex == KeyedRecord.NOT_IN_HEAP) {
        record.dueNanos = delivery.deadlineNanos();
        due.add(record);
      }
      expire(time.nanoTime());
    } finally {
      exit();
    }
  }

  // What becomes of records.

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
      ready.add(record);
      waiters.wakeOne();
    }
  }

  /** Ends leases and delays whose time has come. */
  private void expire(long now) {
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

  // The consumer's thread.

  /** Works off the inbox and what has come due. */
  void tick() {
    enter();
    try {
      expire(time.nanoTime());
    } finally {
      exit();
    }
  }

  /** Runs {@code action} under the lock, as for looks at partitions. */
  void locked(Runnable action) {
    enter();
    try {
      action.run();
    } finally {
      exit();
    }
  }

  /** Takes in records of a partition, in order. */
  void add(KeyedPartition partition, List<KeyedRecord> fetched, List<Long> notBefore) {
    enter();
    try {
      long now = time.nanoTime();
      long wall = time.now().toEpochMilli();
      for (int i = 0; i < fetched.size(); i++) {
        KeyedRecord record = fetched.get(i);
        partition.link(record);
        records++;
        bytes += record.bytes;
        Envelope envelope = record.envelope;
        if (envelope == null) {
          record.state = State.ASIDE;
          continue;
        }
        KeyedLedger.Retry retry = partition.ledger.retryOf(record.offset);
        if (!retry.attempts().equals(Attempts.NONE)) {
          record.envelope = envelope.withAttempts(retry.attempts());
        }
        long early = Math.max(retry.notBefore(), notBefore.get(i)) - wall;
        record.dueNanos = early <= 0 ? now : now + TimeUnit.MILLISECONDS.toNanos(early);
        if ((early > 0 && stepsAside(record)) || lanes.join(record)) {
          place(record, now);
        }
      }
    } finally {
      exit();
    }
  }

  /** The dead letter of a record that cannot be decoded is written. */
  void resolveAside(KeyedRecord record) {
    enter();
    try {
      if (record.state == State.ASIDE) {
        resolve(record, null);
      }
    } finally {
      exit();
    }
  }

  /** The broker has these commits. */
  void confirmed(List<KeyedPartition.Commit> commits) {
    enter();
    try {
      for (KeyedPartition.Commit commit : commits) {
        int count =
            commit
                .partition()
                .confirmed(commit, record -> answerLater(record.answer, Settlement.OK));
        records -= count;
        acksWaiting -= count;
      }
    } finally {
      exit();
    }
  }

  /**
   * Starts nothing more of these partitions; what nobody has in hand is left to the next member.
   */
  void leave(Collection<KeyedPartition> partitions) {
    enter();
    try {
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
    } finally {
      exit();
    }
  }

  /** Lets go of these partitions: whoever still has a record in hand has lost it. */
  void drop(Collection<KeyedPartition> partitions) {
    leave(partitions);
    enter();
    try {
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
    } finally {
      exit();
    }
  }

  private void forget(KeyedRecord record) {
    record.state = State.GONE;
    due.remove(record);
    record.partition.unlink(record);
    record.partition.held--;
    records--;
    bytes -= record.bytes;
    KeyedRecord next = lanes.leave(record);
    if (next != null) {
      place(next, time.nanoTime());
    }
  }

  /** Waits until there is something to commit or room to fetch, for this long at most. */
  @SuppressWarnings("WaitNotInLoop") // The caller looks for himself, and comes again.
  void awaitWork(Duration atMost) {
    enter();
    try {
      if (acksWaiting == 0) {
        consumerWaits = true;
        // Not by the time source: the consumer's own polls run by the machine's clock, too.
        long unused = consumerHasWork.awaitNanos(atMost.toNanos());
      }
    } catch (InterruptedException e) {
      throw new InterruptException(e);
    } finally {
      consumerWaits = false;
      exit();
    }
  }

  /**
   * Waits until somebody polls, or did within {@code recently}.
   *
   * @return false when the queue closes
   */
  boolean awaitPoll(Duration recently) {
    enter();
    try {
      consumerAsleep = true;
      while (!closing
          && waiters.isEmpty()
          && (!polledOnce || time.nanoTime() - lastPoll >= recently.toNanos())) {
        consumerHasWork.await();
      }
      return !closing;
    } catch (InterruptedException e) {
      throw new InterruptException(e);
    } finally {
      consumerAsleep = false;
      exit();
    }
  }

  /** Lets time pass for the consumer's thread. */
  @SuppressWarnings("WaitNotInLoop") // Shorter is fine: the caller looks for himself.
  void pause(Duration length) throws InterruptedException {
    enter();
    try {
      long unused = consumerHasWork.awaitNanos(length.toNanos());
    } finally {
      exit();
    }
  }

  /** What the consumer's thread goes by. */
  record Load(
      long records, long bytes, long leased, long acksWaiting, boolean polled, long nextDue) {}

  /**
   * How things stand.
   *
   * @return {@code polled}: whether anybody polls, or did within {@code recently}; {@code nextDue}:
   *     nanoseconds until the next lease or delay ends, large when there is none
   */
  Load load(Duration recently) {
    enter();
    try {
      long now = time.nanoTime();
      KeyedRecord first = due.first();
      return new Load(
          records,
          bytes,
          leased,
          acksWaiting,
          !waiters.isEmpty() || now - lastPoll < recently.toNanos(),
          first == null ? Long.MAX_VALUE : first.dueNanos - now);
    } finally {
      exit();
    }
  }

  /** From now on nothing is handed out; waiting polls return. */
  void close() {
    enter();
    try {
      closing = true;
      waiters.wakeAll();
      consumerHasWork.signal();
    } finally {
      exit();
    }
  }
}
