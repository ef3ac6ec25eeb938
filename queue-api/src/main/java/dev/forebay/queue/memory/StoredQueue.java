package dev.forebay.queue.memory;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The messages of one in-memory queue and who may have them next. Thread-safe: one lock, under
 * which every operation is O(log n) at most.
 *
 * <p>Where each message is says {@link Places}. What comes due is noticed by whoever enters next; a
 * timer is armed only while somebody waits. Each waiting poll has a condition of its own and is
 * woken in turn; whoever leaves while messages are ready wakes the next, so no wake-up is lost to a
 * poll that had just given up. Deliveries learn of their loss outside the lock.
 */
final class StoredQueue {

  private static final QueueSettings UNBOUNDED =
      new QueueSettings(Duration.ZERO, KeyPolicy.STRICT, Long.MAX_VALUE, Long.MAX_VALUE);

  private final InMemoryStore store;
  private final TimeSource time;
  private final ReentrantLock lock = new ReentrantLock();
  private final DedupWindow dedup = new DedupWindow();
  private final Waiters waiters;
  private final Places places;
  private final Fill fill = new Fill();
  private List<MemoryDelivery> expired = new ArrayList<>();
  private @Nullable QueueSettings settings;
  private int polling;
  private int drainers;
  private TimeSource.@Nullable Timer timer;
  private long timerAtNanos;

  StoredQueue(InMemoryStore store) {
    this.store = store;
    this.time = store.time();
    this.waiters = new Waiters(lock, time);
    this.places = new Places(waiters::wakeOne);
  }

  /** The first object opened on a stored queue decides its settings; a later one must agree. */
  void configure(QueueSettings wanted) {
    lock.lock();
    try {
      if (settings == null) {
        settings = wanted;
        places.keyPolicy(wanted.keyPolicy());
      } else if (!settings.equals(wanted)) {
        throw new QueueException(
            ErrorCode.MISCONFIGURED,
            "This in-memory queue is open with "
                + settings
                + "; open it again with the same, not with "
                + wanted
                + ".");
      }
    } finally {
      unlock();
    }
  }

  private QueueSettings settings() {
    return settings == null ? UNBOUNDED : settings;
  }

  EnqueueOutcome enqueue(Message message) {
    lock.lock();
    try {
      long now = time.nanoTime();
      String dedupId = settings().dedupWindow().isZero() ? null : message.dedupId().orElse(null);
      if (dedupId != null) {
        String holder = dedup.holder(dedupId, now);
        if (holder != null) {
          return new EnqueueOutcome.Duplicate(holder);
        }
      }
      Envelope envelope = Envelope.fresh(store.nextId(), message, time.now());
      if (!add(envelope, now + message.delay().toNanos(), now)) {
        return fill.refusal();
      }
      if (dedupId != null) {
        dedup.remember(dedupId, envelope.id(), now, settings().dedupWindow());
      }
      return new EnqueueOutcome.Enqueued(envelope.id());
    } finally {
      unlock();
    }
  }

  /** Takes in a message that lived in another queue. */
  Optional<EnqueueOutcome.Failed> add(Envelope envelope) {
    lock.lock();
    try {
      long now = time.nanoTime();
      return add(envelope, now, now) ? Optional.empty() : Optional.of(fill.refusal());
    } finally {
      unlock();
    }
  }

  /**
   * What lies here as a dead letter, oldest first, and is under no lease or delay.
   *
   * @param origin where messages come from that nobody dead-lettered
   */
  List<MemoryDeadLetters.Idle> idle(String origin) {
    List<MemoryDeadLetters.Idle> found = new ArrayList<>();
    lock.lock();
    try {
      expire(time.nanoTime());
      places.forEach(
          entry -> {
            if (isIdle(entry)) {
              found.add(new MemoryDeadLetters.Idle(entry, entry.envelope));
            }
          });
    } finally {
      unlock();
    }
    found.sort(
        Comparator.comparing((MemoryDeadLetters.Idle each) -> each.envelope().enqueuedAt())
            .thenComparingLong(each -> each.entry().sequence));
    found.replaceAll(each -> each.asDeadLetterOf(origin));
    return found;
  }

  private static boolean isIdle(Entry entry) {
    return entry.state == Entry.State.READY || entry.state == Entry.State.WAITING;
  }

  /**
   * Removes a message that lies idle once {@code before} has succeeded, which happens under this
   * queue's lock: nothing can take it in between.
   */
  Optional<EnqueueOutcome.Failed> withdraw(
      Entry entry, Supplier<Optional<EnqueueOutcome.Failed>> before) {
    lock.lock();
    try {
      if (!isIdle(entry)) {
        return Optional.of(
            new EnqueueOutcome.Failed(
                ErrorCode.LEASE_LOST, "Somebody else took the dead letter meanwhile."));
      }
      Optional<EnqueueOutcome.Failed> failure = before.get();
      if (failure.isEmpty()) {
        remove(entry, time.nanoTime());
      }
      return failure;
    } finally {
      unlock();
    }
  }

  private boolean add(Envelope envelope, long dueNanos, long now) {
    long size = Fill.sizeOf(envelope);
    if (!fill.add(size, dedup.bytes(), settings())) {
      return false;
    }
    places.enter(new Entry(store.nextNumber(), envelope, size, dueNanos), now);
    armTimer();
    return true;
  }

  List<Delivery> take(InMemoryWorkQueue owner, int max, Duration wait, Duration lease) {
    lock.lock();
    try {
      long until = time.nanoTime() + Math.min(wait.toNanos(), Long.MAX_VALUE / 4);
      while (true) {
        long now = time.nanoTime();
        expire(now);
        List<Delivery> taken = hand(owner, max, lease, now);
        if (!taken.isEmpty()
            || until - now <= 0
            || owner.isClosing()
            || !await(owner, until - now)) {
          if (places.hasReady()) {
            waiters.wakeOne();
          }
          return taken;
        }
      }
    } finally {
      unlock();
    }
  }

  private List<Delivery> hand(InMemoryWorkQueue owner, int max, Duration lease, long now) {
    if (!places.hasReady() || owner.isClosing()) {
      return List.of();
    }
    List<Delivery> taken = new ArrayList<>(Math.min(max, places.readyAtMost()));
    Instant wallClock = time.now();
    while (taken.size() < max) {
      Entry entry = places.lease(now + lease.toNanos());
      if (entry == null) {
        break;
      }
      MemoryDelivery delivery =
          new MemoryDelivery(owner, entry, store.nextNumber(), time, wallClock, entry.dueNanos);
      entry.delivery = delivery;
      taken.add(delivery);
    }
    owner.handedOut(taken.size());
    armTimer();
    return taken;
  }

  private boolean await(InMemoryWorkQueue owner, long nanos) {
    if (!expired.isEmpty()) {
      // A wait gives the lock away without passing unlock(), where deliveries learn of their loss.
      unlock();
      lock.lock();
      return true;
    }
    polling++;
    armTimer();
    try {
      return waiters.await(owner, nanos);
    } finally {
      polling--;
      armTimer();
    }
  }

  /** Ends the waiting polls of a queue object that closes. */
  void wakeAllOf(InMemoryWorkQueue owner) {
    lock.lock();
    try {
      waiters.wakeAllOf(owner);
    } finally {
      unlock();
    }
  }

  Settlement ack(MemoryDelivery delivery) {
    if (!delivery.beginSettlement()) {
      return Settlement.STALE;
    }
    lock.lock();
    try {
      if (!holds(delivery)) {
        return Settlement.STALE;
      }
      places.endLease(delivery.entry);
      remove(delivery.entry, time.nanoTime());
    } finally {
      unlock();
    }
    delivery.settled();
    return Settlement.OK;
  }

  Settlement extend(MemoryDelivery delivery, Duration lease) {
    lock.lock();
    try {
      Entry entry = delivery.entry;
      long end = time.nanoTime() + lease.toNanos();
      if (entry.delivery == delivery && delivery.extendedTo(end)) {
        places.extendLease(entry, end);
        armTimer();
        return Settlement.OK;
      }
    } finally {
      unlock();
    }
    delivery.isLost();
    return Settlement.STALE;
  }

  Settlement release(MemoryDelivery delivery, Duration delay, ReleaseCause cause) {
    if (!delivery.beginSettlement()) {
      return Settlement.STALE;
    }
    lock.lock();
    try {
      if (!holds(delivery)) {
        return Settlement.STALE;
      }
      Entry entry = delivery.entry;
      long now = time.nanoTime();
      places.endLease(entry);
      comeBack(entry, delivery.attempts().plus(cause), now + delay.toNanos(), now);
    } finally {
      unlock();
    }
    delivery.settled();
    return Settlement.OK;
  }

  /**
   * Writes the dead letter first and removes its source after that (D1); nothing can take the
   * source in between.
   */
  Settlement deadLetter(
      MemoryDelivery delivery, DeadLetterCause cause, StoredQueue target, String origin) {
    if (!delivery.beginSettlement()) {
      return Settlement.STALE;
    }
    Entry entry = delivery.entry;
    lock.lock();
    try {
      if (!holds(delivery)) {
        return Settlement.STALE;
      }
      places.endLease(entry);
      entry.state = Entry.State.MOVING;
    } finally {
      unlock();
    }
    boolean written =
        target.add(entry.envelope.dead(cause, delivery.deliveredAt, origin)).isEmpty();
    lock.lock();
    try {
      long now = time.nanoTime();
      if (written) {
        remove(entry, now);
      } else {
        comeBack(entry, delivery.attempts().plusFailed(), now, now);
      }
    } finally {
      unlock();
    }
    delivery.settled();
    return written ? Settlement.OK : Settlement.UNKNOWN;
  }

  QueueDepth depth() {
    lock.lock();
    try {
      expire(time.nanoTime());
      Entry oldest = places.oldest();
      return new QueueDepth(
          OptionalLong.of(places.visible()),
          OptionalLong.of(places.leased()),
          OptionalLong.of(places.delayed()),
          oldest == null
              ? Optional.empty()
              : Optional.of(Duration.between(oldest.envelope.enqueuedAt(), time.now())));
    } finally {
      unlock();
    }
  }

  /**
   * Why a message is where it is; null when it is not here. O(n), and others wait meanwhile.
   *
   * @param asker the queue object that wants to know
   */
  @Nullable Explanation explain(String id, InMemoryWorkQueue asker) {
    lock.lock();
    try {
      expire(time.nanoTime());
      Entry entry = places.find(id);
      return entry == null ? null : MemoryExplanations.of(entry, places.leader(entry), asker, time);
    } finally {
      unlock();
    }
  }

  /** While somebody drains, leases that end must be noticed when they do. */
  void draining(boolean begin) {
    lock.lock();
    try {
      drainers += begin ? 1 : -1;
      armTimer();
    } finally {
      unlock();
    }
  }

  /**
   * Tells the deliveries of a closed queue object that they can no longer be settled; their leases
   * run out by themselves.
   */
  void abandon(InMemoryWorkQueue owner) {
    lock.lock();
    try {
      places.forEachLease(
          entry -> {
            if (entry.delivery != null && entry.delivery.queue() == owner) {
              expired.add(entry.delivery);
            }
          });
    } finally {
      unlock();
    }
  }

  /** Whether this delivery still is the entry's; one whose lease ended in between is lost. */
  private boolean holds(MemoryDelivery delivery) {
    if (delivery.entry.delivery == delivery) {
      return true;
    }
    expired.add(delivery);
    return false;
  }

  private void remove(Entry entry, long now) {
    fill.remove(entry.bytes);
    places.remove(entry, now);
    armTimer();
  }

  private void comeBack(Entry entry, Attempts attempts, long dueNanos, long now) {
    places.comeBack(entry, attempts, dueNanos, now);
    armTimer();
  }

  private void expire(long now) {
    places.expire(now, expired);
    armTimer();
  }

  /** Has a timer at the next due time just while somebody waits, so that no queue keeps one. */
  private void armTimer() {
    Entry first = polling + drainers > 0 ? places.firstDue() : null;
    if (timer != null && (first == null || timerAtNanos - first.dueNanos > 0)) {
      timer.cancel();
      timer = null;
    }
    if (first != null && timer == null) {
      timerAtNanos = first.dueNanos;
      timer = time.schedule(Duration.ofNanos(first.dueNanos - time.nanoTime()), this::onTimer);
    }
  }

  private void onTimer() {
    lock.lock();
    try {
      timer = null;
      expire(time.nanoTime());
    } finally {
      unlock();
    }
  }

  private void unlock() {
    List<MemoryDelivery> lost = List.of();
    if (!expired.isEmpty()) {
      lost = expired;
      expired = new ArrayList<>();
    }
    lock.unlock();
    lost.forEach(MemoryDelivery::lose);
  }
}
