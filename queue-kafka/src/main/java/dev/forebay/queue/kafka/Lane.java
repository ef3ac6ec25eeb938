package dev.forebay.queue.kafka;

import dev.forebay.queue.Settlement;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.ShareConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.FencedLeaderEpochException;
import org.apache.kafka.common.errors.GroupMaxSizeReachedException;
import org.apache.kafka.common.errors.InvalidRecordStateException;
import org.apache.kafka.common.errors.NotLeaderOrFollowerException;
import org.apache.kafka.common.errors.WakeupException;
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
 * extended far beyond what the broker grants. Under it lies the broker's record lock, renewed every
 * third of its time by acknowledge(RENEW), commitSync, poll(ZERO), in this order: the poll takes
 * the renewed records back and, as nothing else is left to acknowledge, fetches nothing. Renewals
 * never share a request with settlements, so that a renewal can neither overwrite one nor be lost
 * beside it. A renewal that fails means that the lock is gone, and the delivery is told so.
 *
 * <h2>The stale record</h2>
 *
 * A poll that ends empty leaves its fetch under way: the client's network thread goes on fetching
 * until it has acquired a record, which then lies in the client's buffer with its lock running out,
 * unseen, until the next poll. Likewise, a poll that starts while such a fetch is under way may ask
 * for one more: the first record ends the fetch and the poll's own request starts another one,
 * whose record waits behind the first for as long as that is worked on. Both give the record out
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
  private static final Duration COMMIT_TIME = Duration.ofSeconds(10);
  private static final Duration CONSUMER_CLOSE_TIME = Duration.ofMillis(800);
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

  // Guarded by this lane's monitor: a consumer may only be woken up while it polls.
  private boolean polling;
  private boolean wokenUp;

  // The lane thread's own.
  private @Nullable ShareConsumer<byte[], byte[]> consumer;
  private final Set<Held> held = new LinkedHashSet<>();
  private long lastPollAt;
  private long lockedAt;
  private long lookAt;
  private boolean broken;

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

  /** Hands over a record whose decision has been made. */
  void submit(Held decided) {
    inbox.add(decided);
    int left = decided.delivery == null ? out.get() : out.decrementAndGet();
    // A lane that lingers for more settlements need not wait once nobody is left to settle.
    if (waiting && (!lingering || left <= 0)) {
      LockSupport.unpark(thread);
    }
  }

  /** Lets the callers have records of this lane after all. */
  void offer(List<Held> records) {
    pool.offer(records);
    nudge();
  }

  /** Makes the lane look at its records soon: a lease has become shorter. */
  void nudge() {
    nudged = true;
    LockSupport.unpark(thread);
  }

  /** Makes the lane give back what it may and end when the rest is settled. */
  void drain() {
    draining = true;
    nudge();
    synchronized (this) {
      if (polling && !wokenUp && consumer != null) {
        wokenUp = true;
        consumer.wakeup();
      }
    }
  }

  // ---- the lane's thread

  private void run() {
    Duration pause = Duration.ZERO;
    try {
      ShareConsumer<byte[], byte[]> opened = consumers.create(size, clientId);
      synchronized (this) {
        consumer = opened;
      }
      opened.subscribe(List.of(settings.topic()));
      lastPollAt = time.nanoTime();
      boolean armed = false;
      while (!broken && pool.next(this, armed)) {
        armed = !fetch(opened);
        serve(opened);
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
      end(pause);
    }
  }

  private void end(Duration pause) {
    // First told, then given back: nobody may hold a live lease that another one gets.
    for (Held each : List.copyOf(held)) {
      lose(each);
    }
    refuseInbox();
    ShareConsumer<byte[], byte[]> open = consumer;
    if (open != null) {
      // Closing must not fail because this thread was told to hurry.
      boolean interrupted = Thread.interrupted();
      try {
        open.close(CONSUMER_CLOSE_TIME);
      } catch (KafkaException e) {
        log.debug("A lane of topic {} could not leave the group", settings.topic(), e);
      }
      if (interrupted) {
        thread.interrupt();
      }
    }
    pool.ended(this, pause);
    refuseInbox();
  }

  private void refuseInbox() {
    for (Held each = inbox.poll(); each != null; each = inbox.poll()) {
      answer(each, Settlement.STALE);
    }
  }

  /** Fetches once; false when nothing came. */
  private boolean fetch(ShareConsumer<byte[], byte[]> from) {
    long acquiredAfter = lastPollAt;
    synchronized (this) {
      if (draining) {
        return false;
      }
      polling = true;
    }
    lastPollAt = time.nanoTime();
    ConsumerRecords<byte[], byte[]> records;
    try {
      records = from.poll(POLL_TIME);
    } catch (WakeupException e) {
      return false;
    } finally {
      synchronized (this) {
        polling = false;
      }
    }
    if (records.isEmpty()) {
      return false;
    }
    trouble.over();
    pool.fetched(this);
    lockedAt = acquiredAfter;
    List<Held> ready = new ArrayList<>(records.count());
    for (ConsumerRecord<byte[], byte[]> record : records) {
      hold(intake.admit(this, record));
    }
    if (draining) {
      giveBackUnseen(from);
      return true;
    }
    if (time.nanoTime() - acquiredAfter > lockNanos / 4) {
      renew(from);
    }
    for (Held each : held) {
      if (intake.isDeliverable(each)) {
        ready.add(each);
      } else {
        intake.writeAside(each);
      }
    }
    lookAt = time.nanoTime();
    if (!ready.isEmpty()) {
      // When the queue has been closed meanwhile, the next look gives them back.
      pool.offer(ready);
    }
    return true;
  }

  private void hold(Held each) {
    held.add(each);
    pool.watch().held(each.record.partition(), 1);
  }

  private void drop(Held each) {
    if (held.remove(each)) {
      pool.watch().held(each.record.partition(), -1);
    }
  }

  /** The queue closes: what was just fetched goes back, and the wake-up that came late is eaten. */
  private void giveBackUnseen(ShareConsumer<byte[], byte[]> from) {
    List<Held> all = List.copyOf(held);
    for (Held each : all) {
      decideReturn(each);
      from.acknowledge(each.record, AcknowledgeType.RELEASE);
    }
    synchronized (this) {
      if (wokenUp) {
        try {
          from.poll(Duration.ZERO);
        } catch (WakeupException e) {
          wokenUp = false;
        }
      }
    }
    commit(from);
    all.forEach(this::drop);
  }

  private void serve(ShareConsumer<byte[], byte[]> from) {
    while (!held.isEmpty() && !broken) {
      waitForWork();
      List<Held> settled = drainInbox();
      long now = time.nanoTime();
      if (nudged || draining || now - lookAt >= 0) {
        nudged = false;
        look(now, settled);
      }
      if (!settled.isEmpty()) {
        confirm(from, settled);
      }
      if (!held.isEmpty() && !broken && time.nanoTime() - renewAt() >= 0) {
        renew(from);
      }
      if (draining && time.nanoTime() - pool.closeBy() >= 0) {
        broken = true;
      }
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
        long until = lookAt - renewAt() < 0 ? lookAt : renewAt();
        if (draining) {
          until = until - pool.closeBy() < 0 ? until : pool.closeBy();
        }
        if (!inbox.isEmpty()) {
          if (out.get() <= 0) {
            return;
          }
          if (!lingering) {
            lingering = true;
            lingerUntil = now + Duration.ofMillis(LINGER_MILLIS).toNanos();
          }
          until = until - lingerUntil < 0 ? until : lingerUntil;
        }
        if (until - now <= 0) {
          return;
        }
        LockSupport.parkNanos(this, until - now);
        if (Thread.currentThread().isInterrupted()) {
          // Only closing interrupts a lane, when its time is up.
          broken = true;
          return;
        }
      }
    } finally {
      waiting = false;
      lingering = false;
    }
  }

  private List<Held> drainInbox() {
    List<Held> settled = new ArrayList<>();
    for (Held each = inbox.poll(); each != null; each = inbox.poll()) {
      if (!held.contains(each)) {
        answer(each, Settlement.STALE);
        continue;
      }
      each.decided = true;
      if (each.decision == Held.Decision.RETRY
          || (each.decision == Held.Decision.RELEASE && each.releaseAt - time.nanoTime() > 0)) {
        lookAt = lookAt - each.releaseAt < 0 ? lookAt : each.releaseAt;
      } else {
        settled.add(each);
      }
    }
    return settled;
  }

  /** Looks at every record for what is due by time, and finds out when to look next. */
  private void look(long now, List<Held> settled) {
    for (Held stale : pool.withdrawStale(this)) {
      decideReturn(stale);
      settled.add(stale);
    }
    long next = now + lockNanos / 3;
    for (Held each : held) {
      if (each.decided) {
        if (settled.contains(each)) {
          continue;
        }
        boolean due = each.releaseAt - now <= 0 || draining;
        if (!due) {
          next = Math.min(next - now, each.releaseAt - now) + now;
        } else if (each.decision == Held.Decision.RETRY && !draining) {
          each.decided = false;
          intake.writeAside(each);
        } else {
          each.decision = Held.Decision.RELEASE;
          settled.add(each);
        }
        continue;
      }
      ShareDelivery delivery = each.delivery;
      if (delivery == null) {
        next = Math.min(next - now, GIVE_BACK_LOOK_NANOS) + now;
      } else if (delivery.isLost()) {
        out.decrementAndGet();
        each.decided = true;
        each.decision = Held.Decision.RELEASE;
        each.attemptsAfter = delivery.attempts().plusLeaseLost();
        settled.add(each);
      } else {
        next = Math.min(next - now, Math.max(0, delivery.deadlineNanos() - now)) + now;
      }
    }
    lookAt = next;
  }

  private static final long GIVE_BACK_LOOK_NANOS = Duration.ofMillis(500).toNanos();

  private static void decideReturn(Held each) {
    each.decided = true;
    each.decision = Held.Decision.RELEASE;
    each.attemptsAfter = each.attempts().plusReturned();
  }

  /** Tells the broker, and the callers what it said. */
  private void confirm(ShareConsumer<byte[], byte[]> from, List<Held> settled) {
    for (Held each : settled) {
      if (each.decision == Held.Decision.RELEASE) {
        intake.remember(each);
      }
      from.acknowledge(each.record, each.acknowledgeType());
    }
    Map<TopicPartition, Settlement> verdicts = commit(from);
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
        delivery.settled();
      }
    }
    CompletableFuture<Settlement> answer = each.answer;
    if (answer != null) {
      answer.complete(verdict);
    }
  }

  private void renew(ShareConsumer<byte[], byte[]> from) {
    for (Held each : held) {
      from.acknowledge(each.record, AcknowledgeType.RENEW);
    }
    long before = time.nanoTime();
    Map<TopicPartition, Settlement> verdicts = commit(from);
    List<Held> lost = new ArrayList<>();
    for (Held each : held) {
      if (verdicts.get(each.partition()) != Settlement.OK) {
        lost.add(each);
      }
    }
    lost.forEach(this::lose);
    if (!held.isEmpty() && !broken) {
      Set<Held> missing = new LinkedHashSet<>(held);
      for (ConsumerRecord<byte[], byte[]> back : from.poll(Duration.ZERO)) {
        missing.removeIf(
            each ->
                each.record.offset() == back.offset()
                    && each.record.partition() == back.partition());
      }
      missing.forEach(this::lose);
    }
    lockedAt = before;
  }

  /** The broker's lock is gone; another process may have the record. */
  private void lose(Held each) {
    drop(each);
    // After this nobody can take it any more, so the field tells whether somebody has.
    pool.withdraw(each);
    ShareDelivery delivery = each.delivery;
    if (delivery != null) {
      delivery.lose();
    } else {
      intake.rememberUnseen(each);
    }
  }

  /**
   * Sends the acknowledgements made so far.
   *
   * @return the verdict by partition; a partition that is missing got none
   */
  private Map<TopicPartition, Settlement> commit(ShareConsumer<byte[], byte[]> from) {
    Map<TopicPartition, Settlement> verdicts = new HashMap<>();
    try {
      Map<TopicIdPartition, Optional<KafkaException>> results = from.commitSync(COMMIT_TIME);
      results.forEach(
          (partition, error) -> verdicts.put(partition.topicPartition(), verdict(error)));
    } catch (KafkaException e) {
      // Nobody knows what was applied, and what the client thinks it holds.
      trouble.seen(e);
      broken = true;
    }
    return verdicts;
  }

  private Settlement verdict(Optional<KafkaException> error) {
    if (error.isEmpty()) {
      return Settlement.OK;
    }
    KafkaException e = error.get();
    // The broker looked at it and refused: the lock ended, or moved away with the partition.
    if (e instanceof InvalidRecordStateException
        || e instanceof NotLeaderOrFollowerException
        || e instanceof FencedLeaderEpochException) {
      log.debug("Topic {}: the broker had ended a record lock", settings.topic(), e);
      return Settlement.STALE;
    }
    trouble.seen(e);
    return Settlement.UNKNOWN;
  }
}
