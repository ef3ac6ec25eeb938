package dev.forebay.queue.kafka;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
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

  private final KeyedSettings settings;
  private final TimeSource time;
  private final ReentrantLock lock = new ReentrantLock();
  private final KeyedBell bell = new KeyedBell(lock);
  private final AtomicReference<@Nullable KeyedDelivery> inbox = new AtomicReference<>();
  private final KeyedWaiters waiters;
  private final KeyedRecords records;
  private long lastPoll;
  private boolean polledOnce;
  private boolean closing;

  KeyedBuffer(KeyedSettings settings, WorkQueue queue) {
    this.settings = settings;
    this.time = settings.time();
    this.waiters = new KeyedWaiters(lock, time);
    this.records = new KeyedRecords(settings, queue, waiters::wakeOne);
  }

  // The lock and the inbox.

  private void enter() {
    lock.lock();
    drain();
  }

  private void exit() {
    while (true) {
      drain();
      List<Runnable> todo = records.hasAfter() ? records.takeAfter() : List.of();
      bell.look(records, closing);
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
      records.apply(first);
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

  // Callers of the queue.

  List<Delivery> poll(int max, Duration wait) {
    enter();
    try {
      long until = time.nanoTime() + Math.min(wait.toNanos(), Long.MAX_VALUE / 4);
      while (true) {
        long now = time.nanoTime();
        lastPoll = now;
        polledOnce = true;
        bell.polled();
        records.expire(now);
        List<Delivery> taken = closing ? List.of() : records.hand(max, now);
        if (taken.isEmpty()) {
          bell.hungry();
        }
        if (!taken.isEmpty() || until - now <= 0 || closing || !await(until)) {
          if (records.ready() > 0) {
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

  /**
   * What is ready for one whose slot is free now. Nothing when others are busy here: where messages
   * take no time, one poll for many slots does better than many that queue for the lock.
   */
  List<Delivery> pollReady(int max) {
    for (int look = 0; !lock.tryLock(); look++) {
      if (look == SPINS) {
        return List.of();
      }
      Thread.onSpinWait();
    }
    drain();
    try {
      long now = time.nanoTime();
      lastPoll = now;
      records.expire(now);
      return closing ? List.of() : records.hand(max, now);
    } finally {
      exit();
    }
  }

  private boolean await(long until) {
    if (records.hasAfter()) {
      // A wait gives the lock away without passing exit(), where others are told.
      exit();
      enter();
      return true;
    }
    return waiters.await(until);
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
      if (records.extend(delivery, time.nanoTime() + lease.toNanos())) {
        return CompletableFuture.completedFuture(Settlement.OK);
      }
    } finally {
      exit();
    }
    boolean unused = delivery.isLost();
    return STALE.copy();
  }

  /** What is known of a message; null when it is not here. */
  @Nullable Explanation explain(String id) {
    enter();
    try {
      records.expire(time.nanoTime());
      KeyedRecord record = records.find(id);
      return record == null ? null : KeyedExplanations.of(id, record, time);
    } finally {
      exit();
    }
  }

  /**
   * From now on the end of the lease waits for what is being written elsewhere.
   *
   * @return false when the lease has ended, so that nothing may be written
   */
  boolean beginWriting(KeyedDelivery delivery) {
    enter();
    try {
      delivery.writing = delivery.record.delivery == delivery;
      return delivery.writing;
    } finally {
      exit();
    }
  }

  /** The dead letter could not be written: the lease goes on, or ends now. */
  void reopen(KeyedDelivery delivery) {
    delivery.writing = false;
    delivery.reopen();
    enter();
    try {
      records.reopened(delivery);
      records.expire(time.nanoTime());
    } finally {
      exit();
    }
  }

  // The consumer's thread.

  /** Works off the inbox and what has come due. */
  void tick() {
    enter();
    try {
      records.expire(time.nanoTime());
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

  /** Takes in records of a partition, in order, with the times before which none is delivered. */
  void add(List<KeyedRecord> fetched, List<Long> notBefore) {
    locked(
        () -> {
          long now = time.nanoTime();
          long wall = time.now().toEpochMilli();
          for (int i = 0; i < fetched.size(); i++) {
            records.add(fetched.get(i), notBefore.get(i), now, wall);
          }
        });
  }

  /** As {@link KeyedRecords#resolveAside}. */
  void resolveAside(KeyedRecord record) {
    locked(() -> records.resolveAside(record));
  }

  /** The broker has these commits. */
  void confirmed(List<KeyedPartition.Commit> commits) {
    locked(() -> commits.forEach(records::confirmed));
  }

  /** As {@link KeyedRecords#leave}. */
  void leave(Collection<KeyedPartition> partitions) {
    locked(() -> records.leave(partitions));
  }

  /** As {@link KeyedRecords#drop}. */
  void drop(Collection<KeyedPartition> partitions) {
    locked(() -> records.drop(partitions));
  }

  /**
   * Runs {@code wake} once, as soon as there is something to commit or due.
   *
   * @param acks how many make something to commit
   * @param within after which time the consumer comes by itself
   * @return false when there is something to commit already; then it is not run
   */
  boolean callWhenWanted(Runnable wake, long acks, Duration within) {
    enter();
    try {
      if (closing || records.acksWaiting() >= acks) {
        return false;
      }
      long now = time.nanoTime();
      // For what is due already at some time the caller has chosen how long he waits.
      long due = Math.min(within.toNanos(), records.untilDue(now));
      bell.callWhenWanted(wake, acks, now + due);
      return true;
    } finally {
      exit();
    }
  }

  /** Takes that back; whether it was run meanwhile. */
  boolean wasCalled() {
    enter();
    try {
      return bell.wasCalled();
    } finally {
      exit();
    }
  }

  /**
   * Waits until there is something to commit or room to fetch, for this long at most.
   *
   * @param fully whether to wait for this long whatever comes
   */
  void awaitWork(Duration atMost, boolean fully) {
    enter();
    try {
      if (fully) {
        bell.await(atMost, KeyedBell.NEVER, 0, false);
      } else if (records.acksWaiting() == 0) {
        bell.await(atMost, 1, settings.maxRecords() / 2, false);
      }
    } catch (InterruptedException e) {
      throw new InterruptException(e);
    } finally {
      exit();
    }
  }

  /**
   * Waits until so many acks wait, for this long at most.
   *
   * @param orHunger or until somebody waits for a record
   */
  void awaitAcks(Duration atMost, long acks, boolean orHunger) {
    enter();
    try {
      if (records.acksWaiting() < acks && !(orHunger && !waiters.isEmpty())) {
        bell.await(atMost, acks, 0, orHunger);
      }
    } catch (InterruptedException e) {
      throw new InterruptException(e);
    } finally {
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
      while (!closing
          && waiters.isEmpty()
          && (!polledOnce || time.nanoTime() - lastPoll >= recently.toNanos())) {
        bell.awaitPoll();
      }
      return !closing;
    } catch (InterruptedException e) {
      throw new InterruptException(e);
    } finally {
      exit();
    }
  }

  /** Lets time pass for the consumer's thread. */
  void pause(Duration length) throws InterruptedException {
    enter();
    try {
      bell.await(length, KeyedBell.NEVER, 0, false);
    } finally {
      exit();
    }
  }

  /** What the consumer's thread goes by. */
  record Load(
      long records,
      long bytes,
      long leased,
      long acksWaiting,
      boolean hungry,
      boolean polled,
      long nextDue) {}

  /**
   * How things stand.
   *
   * @return {@code hungry}: whether anybody waits for a record; {@code polled}: whether anybody
   *     polls, or did within {@code recently}; {@code nextDue}: nanoseconds until the next lease or
   *     delay ends, large when there is none
   */
  Load load(Duration recently) {
    enter();
    try {
      long now = time.nanoTime();
      return new Load(
          records.count(),
          records.bytes(),
          records.leased(),
          records.acksWaiting(),
          !waiters.isEmpty(),
          !waiters.isEmpty() || now - lastPoll < recently.toNanos(),
          records.untilDue(now));
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
      bell.ring();
    } finally {
      exit();
    }
  }
}
