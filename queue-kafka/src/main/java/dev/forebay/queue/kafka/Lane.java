package dev.forebay.queue.kafka;

import dev.forebay.queue.Settlement;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
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
 * until nothing is left: it sends settlements as its {@link LaneInbox} brings them, renews the
 * broker's locks, gives back what nobody took, and what lost its lease.
 *
 * <h2>Locks and leases</h2>
 *
 * The lease is the library's: {@link ShareDelivery} judges it by the monotonic clock, and it can be
 * extended far beyond what the broker grants. Under it lies the broker's record lock ({@link
 * RecordLocks}), renewed every third of its time, also while a settlement writes a copy first: such
 * a write begins only on a lock that has time left, and even a closing lane waits a moment for it.
 * How long a lock lives is a setting of the group, and each answer of the broker says what it is
 * now. A renewal that fails means that the lock is gone, and the delivery is told so. A lease that
 * ends is released at the broker, which counts it as a delivery; a record that nobody has seen is
 * not, so it goes back by a copy that carries the attempts as they are.
 *
 * <h2>The stale record</h2>
 *
 * A poll that ends empty leaves its fetch under way: the client's network thread goes on fetching
 * until it has acquired a record, which then lies in the client's buffer with its lock running out,
 * unseen, until the next poll. Likewise, a poll that starts while such a fetch is under way may ask
 * for one more: the first record ends the fetch and the poll's own request starts another one,
 * whose record waits behind the first for as long as that is worked on. Nothing in the client's API
 * tells of the buffer, and the broker does not always tell either: below the offset from which on
 * the group is not finished it says yes to every acknowledgement, so a record that another member
 * got and accepted meanwhile can be "renewed" and is then worked on twice.
 *
 * <p>So only time tells. A record that a poll returns was acquired after the start of the poll
 * before it. A lane that has worked for long first polls without a wait, which brings what lay in
 * the buffer and makes that bound narrow again; a record that may have been acquired a lock's time
 * ago is released unseen; one of a fraction of it is renewed before it is handed out. And an answer
 * of the broker counts only if it comes while the lock it is about must still have been there:
 * later, a renewal has failed, and a settlement is UNKNOWN. A lane whose last poll was empty is
 * polled on or closed, never parked.
 *
 * <h2>The delivery limit</h2>
 *
 * After a number of deliveries (10 at most) the broker drops a record without a word. Some
 * deliveries before, the lane writes a copy of the record to the end of the topic, with the same id
 * and its attempts, and accepts the old one.
 */
final class Lane {

  private static final Logger log = LoggerFactory.getLogger(Lane.class);

  private static final Duration LONGEST_POLL = Duration.ofSeconds(2);
  private static final Duration AFTER_ERROR = Duration.ofSeconds(1);
  private static final Duration AFTER_FULL_GROUP = Duration.ofSeconds(30);

  /** How long beyond its grace time a lane holds records of which a copy is being written. */
  static final Duration LAST_WRITES = Duration.ofMillis(500);

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
  private final ConsumerFactory consumers;
  private final ShareSettings settings;
  private final TimeSource time;
  private final Trouble trouble;
  private final Thread thread;

  // Shared with the threads that settle.
  private final LaneInbox inbox;
  private volatile boolean draining;
  private volatile @Nullable RecordLocks waking;

  /** From when on the broker's locks count; written by the lane's thread alone. */
  private volatile long lockedAt;

  /** How long they live; written by the lane's thread alone. */
  private volatile long lockNanos;

  // The lane thread's own.
  private final LaneRecords records;
  private long lastPollAt;
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
    this.consumers = consumers;
    this.trouble = trouble;
    this.time = settings.time();
    this.lockNanos = settings.leaseNanos();
    this.inbox = new LaneInbox(time, LaneRecords::refuse);
    this.records = new LaneRecords(this, pool, intake, inbox, time, lockNanos);
    this.turn = pool.fleet().newCondition();
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
    inbox.handedOut();
  }

  /** Hands over a record whose delivery has been settled. */
  void settle(Held settled) {
    inbox.settled(settled);
  }

  /**
   * Completes when a write may begin that must end before the broker's lock does: at once while
   * half of the lock's time is left, after the next renewal otherwise, and when the delivery is
   * lost, which has to be asked then.
   */
  CompletableFuture<Void> whenLocked(ShareDelivery delivery) {
    CompletableFuture<Void> locked = new CompletableFuture<>();
    if (time.nanoTime() - lockedAt >= lockNanos / 2) {
      inbox.afterRenewal(() -> locked.complete(null));
      // What is lost is told before the renewal is; a lane that holds nothing else renews no more.
      if (!delivery.isLost()) {
        return locked;
      }
    }
    locked.complete(null);
    return locked;
  }

  /** Hands back a record that was written aside. */
  void submit(Held written) {
    inbox.written(written);
  }

  /** Makes the lane look at its records soon: a lease has become shorter. */
  void nudge() {
    inbox.nudge();
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
        records.all().forEach(records::lose);
        inbox.end();
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
      inbox.end();
      pool.fleet().ended(this, pause);
    }
  }

  private void work(RecordLocks locks) {
    lastPollAt = time.nanoTime();
    boolean armed = false;
    while (!ending && !locks.isBroken() && pool.fleet().next(this, armed)) {
      armed = !fetch(locks);
      serveAll(locks);
    }
    // The client may have fetched something just now, which closing would count as delivered.
    if (armed && !ending && !locks.isBroken() && poll(locks, Duration.ZERO)) {
      serveAll(locks);
    }
  }

  private void serveAll(RecordLocks locks) {
    while (!records.isEmpty() && !ending && !locks.isBroken()) {
      serve(locks);
    }
  }

  /** Fetches once; false when nothing came. */
  private boolean fetch(RecordLocks locks) {
    if (time.nanoTime() - lastPollAt > lockNanos / 4 && poll(locks, Duration.ZERO)) {
      return true;
    }
    // Short against the lock: it widens the time in which a record may have been acquired.
    Duration part = Duration.ofNanos(lockNanos / 6);
    return poll(locks, part.compareTo(LONGEST_POLL) < 0 ? part : LONGEST_POLL);
  }

  private boolean poll(RecordLocks locks, Duration wait) {
    long acquiredAfter = lastPollAt;
    lastPollAt = time.nanoTime();
    ConsumerRecords<byte[], byte[]> fetched =
        wait.isZero() ? locks.leftovers() : locks.acquire(wait);
    if (fetched.isEmpty()) {
      return false;
    }
    trouble.over();
    pool.fleet().fetched(this);
    lockedAt = acquiredAfter;
    readLockTime(locks);
    fetched.forEach(records::add);
    if (isLockOver()) {
      // They may be somebody else's by now, or done.
      confirm(locks, records.releaseAll());
      return true;
    }
    if (locks.isWokenUp() || time.nanoTime() - acquiredAfter > lockNanos / 4) {
      renew(locks);
    }
    if (!locks.isBroken()) {
      records.handOver();
    }
    return true;
  }

  /** Another process may have given the group locks that are shorter than this one's leases. */
  private void readLockTime(RecordLocks locks) {
    long most = settings.leaseNanos();
    lockNanos = Math.min(most, locks.lockNanos(most));
  }

  /** Whether the broker's lock may have ended, so that its answers no longer tell. */
  private boolean isLockOver() {
    return time.nanoTime() - lockedAt >= lockNanos;
  }

  private void serve(RecordLocks locks) {
    long until = earlier(records.lookAt(), renewAt());
    if (!inbox.await(draining ? earlier(until, endBy()) : until)) {
      // Only closing interrupts a lane, when its time is up.
      ending = true;
    }
    if (time.nanoTime() - lockedAt >= lockNanos / 2) {
      // Late: what follows may write copies, and what is lost must not go on twice.
      renew(locks);
      if (locks.isBroken()) {
        return;
      }
    }
    List<Held> settled = records.takeDecided();
    long now = time.nanoTime();
    if (inbox.takeNudge() || draining || now - records.lookAt() >= 0) {
      records.look(now, draining, settled);
    }
    if (!settled.isEmpty()) {
      confirm(locks, settled);
    }
    if (!records.isEmpty() && !locks.isBroken() && time.nanoTime() - renewAt() >= 0) {
      renew(locks);
    }
    if (draining && time.nanoTime() - endBy() >= 0) {
      ending = true;
    }
  }

  /** A lock given up while a copy is being written makes two messages of one. */
  private long endBy() {
    return pool.closeBy() + (records.isWriting() ? LAST_WRITES.toNanos() : 0);
  }

  private long renewAt() {
    return lockedAt + lockNanos / 3;
  }

  private static long earlier(long a, long b) {
    return a - b < 0 ? a : b;
  }

  /** Tells the broker, and the callers what it said. */
  private void confirm(RecordLocks locks, List<Held> settled) {
    records.remember(settled);
    Map<TopicPartition, Settlement> verdicts = locks.settle(settled);
    if (isLockOver()) {
      verdicts.replaceAll(
          (partition, verdict) -> verdict == Settlement.OK ? Settlement.UNKNOWN : verdict);
    }
    records.settled(settled, verdicts);
  }

  private void renew(RecordLocks locks) {
    long before = time.nanoTime();
    locks.renew(records.all()).forEach(records::lose);
    if (isLockOver()) {
      log.debug("A lane of topic {} renewed its locks too late", settings.topic());
      locks.giveUp();
    }
    lockedAt = before;
    readLockTime(locks);
    if (!locks.isBroken()) {
      inbox.renewed();
    }
  }
}
