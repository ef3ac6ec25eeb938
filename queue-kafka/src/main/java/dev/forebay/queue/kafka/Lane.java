package dev.forebay.queue.kafka;

import dev.forebay.queue.Settlement;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.ShareConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.GroupMaxSizeReachedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One share consumer on its own thread, and the records it holds.
 *
 * <h2>Why lanes</h2>
 *
 * A share consumer hands out nothing new until every record of its batch is acknowledged for good,
 * so one slow record stops it. The unit of concurrency therefore is a consumer with a small batch;
 * a record that is slow, or that waits for its release delay, holds up its own lane and no other.
 *
 * <h2>The loop</h2>
 *
 * A lane waits for its turn, fetches, offers what it got to the pool, and then serves what it holds
 * until nothing is left: it sends settlements (several in one request where several are ready, but
 * none waits longer than {@value #LINGER_MILLIS} ms), renews the broker's locks, gives back what
 * nobody took, and what lost its lease.
 *
 * <h2>Locks and leases</h2>
 *
 * The lease is the library's: {@link ShareDelivery} judges it by the monotonic clock, and it can be
 * extended far beyond what the broker grants. Under it lies the broker's record lock ({@link
 * RecordLocks}), renewed every third of its time. A renewal that fails means that the lock is gone,
 * and the delivery is told so. A lease that ends is released at the broker, which counts it as a
 * delivery; a record that nobody has seen is not, so it goes back by a copy that carries the
 * attempts as they are.
 *
 * <h2>The stale record</h2>
 *
 * A poll that ends empty leaves its fetch under way: the client's network thread goes on fetching
 * until it has acquired a record, which then lies in the client's buffer with its lock running out,
 * unseen, until the next poll. Likewise, a poll that starts while such a fetch is under way may ask
 * for one more: the first record ends the fetch and the poll's own request starts another one,
 * whose record waits behind the first for as long as that is worked on. Both give a record out
 * twice when its lock ends first. Nothing in the client's API tells of the buffer. But a record
 * that a poll returns was acquired after the start of the poll before it, so if that is longer ago
 * than a fraction of the lock's time, the lane renews before it hands out, and drops what the
 * broker does not renew. A lane whose last poll was empty is polled on or closed, never parked.
 *
 * <h2>The delivery limit</h2>
 *
 * After a number of deliveries (10 at most) the broker drops a record without a word. Some
 * deliveries before, the lane writes a copy of the record to the end of the topic, with the same id
 * and its attempts, and accepts the old one.
 */
final class Lane {

  private static final Logger log = LoggerFactory.getLogger(Lane.class);

  private static final int LINGER_MILLIS = 2;
  private static final Duration POLL_TIME = Duration.ofSeconds(2);
  private static final long UNSEEN_LOOK_NANOS = Duration.ofMillis(500).toNanos();
  private static final Duration AFTER_ERROR = Duration.ofSeconds(1);
  private static final Duration AFTER_FULL_GROUP = Duration.ofSeconds(30);

  /** Opens the consumer of a lane. */
  interface ConsumerFactory {
    ShareConsumer<byte[], byte[]> create(int records, String clientId);
  }

  // Guarded by the pool's lock.
  final Condition turn;
  boolean parked;
  boolean fetching;
  boolean retired;

  final int size;

  private final String clientId;
  private final LanePool pool;
  private final Intake intake;
  private final ConsumerFactory consumers;
  private final ShareSettings settings;
  private final TimeSource time;
  private final Trouble trouble;
  private final long lockNanos;
  private final Thread thread;

  // Shared with the threads that settle.
  private final ConcurrentLinkedQueue<Held> inbox = new ConcurrentLinkedQueue<>();
  private final AtomicInteger out = new AtomicInteger();
  private volatile boolean waiting;
  private volatile boolean lingering;
  private volatile boolean nudged;
  private volatile boolean draining;
  private volatile @Nullable RecordLocks waking;

  // The lane thread's own.
  private final Set<Held> held = new LinkedHashSet<>();
  private long lastPollAt;
  private long lockedAt;
  private long lookAt;
  private boolean ending;

  Lane(
      LanePool pool,
      int size,
      int number,
      ShareSettings settings,
      Intake intake,
      ConsumerFactory consumers,
      Trouble trouble) {
    this.pool = pool;
    this.size = size;
    this.clientId = settings.clientId() + "-lane-" + number;
    this.settings = settings;
    this.intake = intake;
    this.consumers = consumers;
    this.trouble = trouble;
    this.time = settings.time();
    this.lockNanos = settings.leaseNanos();
    this.turn = pool.newCondition();
    this.thread = new Thread(this::run, "forebay-kafka-" + settings.topic() + "-" + number);
    this.thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  String clientId() {
    return clientId;
  }

  Thread thread() {
    return thread;
  }

  // ---- called by other threads

  /** A record of this lane went into a caller's hands; under the pool's lock. */
  void handedOut() {
    out.incrementAndGet();
  }

  /** Hands over a record whose delivery has been settled. */
  void settle(Held settled) {
    inbox.add(settled);
    int left = out.decrementAndGet();
    // A lane that lingers for more settlements need not wait once nobody is left to settle.
    if (waiting && (!lingering || left <= 0)) {
      LockSupport.unpark(thread);
    }
  }

  /** Hands back a record that was written aside. */
  void submit(Held written) {
    inbox.add(written);
    if (waiting) {
      LockSupport.unpark(thread);
    }
  }

  /** Makes the lane look at its records soon: a lease has become shorter. */
  void nudge() {
    nudged = true;
    LockSupport.unpark(thread);
  }

  /** Ends the lane's wait for records. */
  void wakeUp() {
    RecordLocks open = waking;
    if (open != null) {
      open.wakeup();
    }
  }

  /** Makes the lane give back what it may and end when the rest is settled. */
  void drain() {
    draining = true;
    nudge();
    wakeUp();
  }

  // ---- the lane's thread

  private void run() {
    Duration pause = Duration.ZERO;
    try (RecordLocks locks =
        new RecordLocks(consumers.create(size, clientId), settings.topic(), trouble)) {
      try {
        waking = locks;
        work(locks);
      } finally {
        // First told, then given back: nobody may hold a live lease that another one gets.
        List.copyOf(held).forEach(this::lose);
        refuseInbox();
      }
    } catch (GroupMaxSizeReachedException e) {
      trouble.seen(e);
      pause = AFTER_FULL_GROUP;
    } catch (KafkaException | IllegalStateException e) {
      trouble.seen(e);
      pause = AFTER_ERROR;
    } catch (RuntimeException | Error e) {
      log.error("A lane of topic {} ends by a defect; another one takes over", settings.topic(), e);
      pause = AFTER_ERROR;
    } finally {
      pool.ended(this, pause);
      refuseInbox();
    }
  }

  private void work(RecordLocks locks) {
    lastPollAt = time.nanoTime();
    boolean armed = false;
    while (!ending && !locks.isBroken() && pool.next(this, armed)) {
      armed = !fetch(locks, POLL_TIME);
      serveAll(locks);
    }
    // The client may have fetched something just now, which closing would count as delivered.
    if (armed && !ending && !locks.isBroken() && fetch(locks, Duration.ZERO)) {
      serveAll(locks);
    }
  }

  private void serveAll(RecordLocks locks) {
    while (!held.isEmpty() && !ending && !locks.isBroken()) {
      serve(locks);
    }
  }

  private void refuseInbox() {
    for (Held each = inbox.poll(); each != null; each = inbox.poll()) {
      answer(each, Settlement.STALE);
    }
  }

  /** Fetches once; false when nothing came. */
  private boolean fetch(RecordLocks locks, Duration wait) {
    long acquiredAfter = lastPollAt;
    lastPollAt = time.nanoTime();
    ConsumerRecords<byte[], byte[]> records =
        wait.isZero() ? locks.leftovers() : locks.acquire(wait);
    if (records.isEmpty()) {
      return false;
    }
    trouble.over();
    pool.fetched(this);
    lockedAt = acquiredAfter;
    for (ConsumerRecord<byte[], byte[]> record : records) {
      held.add(intake.admit(this, record));
      pool.watch().held(record.partition(), 1);
    }
    if (locks.isWokenUp() || time.nanoTime() - acquiredAfter > lockNanos / 4) {
      renew(locks);
    }
    List<Held> ready = new ArrayList<>(held.size());
    for (Held each : held) {
      if (!intake.isDeliverable(each)) {
        intake.writeAside(each);
      } else if (!each.decided) {
        ready.add(each);
      }
    }
    lookAt = time.nanoTime();
    if (!ready.isEmpty()) {
      // When the queue has been closed meanwhile, the next look finds them.
      pool.offer(ready);
    }
    return true;
  }

  private void serve(RecordLocks locks) {
    waitForWork();
    List<Held> settled = takeInbox();
    long now = time.nanoTime();
    if (nudged || draining || now - lookAt >= 0) {
      nudged = false;
      look(now, settled);
    }
    if (!settled.isEmpty()) {
      confirm(locks, settled);
    }
    if (!held.isEmpty() && !locks.isBroken() && time.nanoTime() - renewAt() >= 0) {
      renew(locks);
    }
    if (draining && time.nanoTime() - pool.closeBy() >= 0) {
      ending = true;
    }
  }

  private long renewAt() {
    return lockedAt + lockNanos / 3;
  }

  private void waitForWork() {
    waiting = true;
    try {
      long lingerUntil = 0;
      while (!nudged) {
        long now = time.nanoTime();
        long until = earlier(lookAt, renewAt());
        if (draining) {
          until = earlier(until, pool.closeBy());
        }
        if (!inbox.isEmpty()) {
          if (out.get() <= 0) {
            return;
          }
          if (!lingering) {
            lingering = true;
            lingerUntil = now + Duration.ofMillis(LINGER_MILLIS).toNanos();
          }
          until = earlier(until, lingerUntil);
        }
        if (until - now <= 0) {
          return;
        }
        LockSupport.parkNanos(this, until - now);
        if (Thread.currentThread().isInterrupted()) {
          // Only closing interrupts a lane, when its time is up.
          ending = true;
          return;
        }
      }
    } finally {
      waiting = false;
      lingering = false;
    }
  }

  private static long earlier(long a, long b) {
    return a - b < 0 ? a : b;
  }

  /** Takes what was decided; returns what can be told to the broker at once. */
  private List<Held> takeInbox() {
    List<Held> settled = new ArrayList<>();
    for (Held each = inbox.poll(); each != null; each = inbox.poll()) {
      if (!held.contains(each)) {
        answer(each, Settlement.STALE);
        continue;
      }
      each.decided = true;
      each.writing = false;
      long due = dueAt(each);
      boolean last = each.decision != Held.Decision.WAIT && each.decision != Held.Decision.RETRY;
      if (last && due - time.nanoTime() <= 0) {
        settled.add(each);
      } else {
        lookAt = earlier(lookAt, due);
      }
    }
    return settled;
  }

  private long dueAt(Held each) {
    return switch (each.decision) {
      case ACCEPT, REJECT -> time.nanoTime();
      case RELEASE, WAIT -> each.releaseAt;
      case RETRY -> each.retryAt;
    };
  }

  /** Looks at every record for what is due by time, and finds out when to look next. */
  private void look(long now, List<Held> settled) {
    Set<Held> stale = new HashSet<>(pool.withdrawStale(this));
    Set<Held> done = new HashSet<>(settled);
    List<Held> ready = new ArrayList<>();
    long next = lockNanos / 3;
    for (Held each : held) {
      ShareDelivery delivery = each.delivery;
      if (each.writing || done.contains(each)) {
        continue;
      }
      if (each.decided) {
        long left = dueAt(each) - now;
        if (left > 0 && !draining) {
          next = Math.min(next, left);
        } else {
          proceed(each, settled, ready);
        }
      } else if (delivery == null) {
        next = Math.min(next, UNSEEN_LOOK_NANOS);
        if (stale.contains(each) || draining) {
          giveBackUnseen(each, settled);
        }
      } else if (delivery.isLost()) {
        out.decrementAndGet();
        each.decided = true;
        each.decision = Held.Decision.RELEASE;
        each.attemptsAfter = delivery.attempts().plusLeaseLost();
        settled.add(each);
      } else {
        next = Math.min(next, Math.max(0, delivery.deadlineNanos() - now));
      }
    }
    lookAt = now + next;
    if (!ready.isEmpty()) {
      pool.offer(ready);
    }
  }

  /** A record's time has come, or the lane's end: then what still waits goes on in a copy. */
  private void proceed(Held each, List<Held> settled, List<Held> ready) {
    if (each.decision == Held.Decision.RETRY || (draining && !each.uncopyable)) {
      intake.writeAside(each);
    } else if (each.decision == Held.Decision.WAIT && !draining) {
      each.decided = false;
      ready.add(each);
    } else {
      settled.add(each);
    }
  }

  private void giveBackUnseen(Held each, List<Held> settled) {
    if (!each.uncopyable) {
      intake.writeAside(each);
      return;
    }
    each.decided = true;
    each.decision = Held.Decision.RELEASE;
    each.attemptsAfter = each.attempts().plusReturned();
    settled.add(each);
  }

  /** Tells the broker, and the callers what it said. */
  private void confirm(RecordLocks locks, List<Held> settled) {
    for (Held each : settled) {
      if (each.decision == Held.Decision.RELEASE) {
        intake.remember(each);
      }
    }
    Map<TopicPartition, Settlement> verdicts = locks.settle(settled);
    for (Held each : settled) {
      drop(each);
      answer(each, verdicts.getOrDefault(each.partition(), Settlement.UNKNOWN));
    }
  }

  private static void answer(Held each, Settlement verdict) {
    ShareDelivery delivery = each.delivery;
    if (delivery != null) {
      if (verdict == Settlement.STALE) {
        delivery.lose();
      } else {
        boolean unused = delivery.settled();
      }
    }
    CompletableFuture<Settlement> answer = each.answer;
    if (answer != null) {
      answer.complete(verdict);
    }
  }

  private void renew(RecordLocks locks) {
    long before = time.nanoTime();
    locks.renew(List.copyOf(held)).forEach(this::lose);
    lockedAt = before;
  }

  /** The broker's lock is gone; another process may have the record. */
  private void lose(Held each) {
    drop(each);
    // After this nobody can take it any more, so the field tells whether somebody has.
    boolean unused = pool.withdraw(each);
    ShareDelivery delivery = each.delivery;
    if (delivery != null) {
      delivery.lose();
    } else {
      intake.rememberUnseen(each);
    }
  }

  private void drop(Held each) {
    if (held.remove(each)) {
      pool.watch().held(each.record.partition(), -1);
    }
  }
}
