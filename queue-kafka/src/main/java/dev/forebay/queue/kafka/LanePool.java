package dev.forebay.queue.kafka;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the callers of poll meet the lanes: the buffer of fetched records, what is asked for, and
 * which lanes fetch.
 *
 * <p>Lanes fetch by demand: as long as the lanes that are fetching cannot bring what the waiting
 * polls ask for, another one starts. A parked lane is taken before a new one is opened, which needs
 * time to join the group. Where work is quick ({@link LaneSizes}), one batch is fetched ahead;
 * where it is slow, nothing is. A lane once sent to fetch cannot be called back (see {@link Lane}),
 * so a record may arrive that nobody waits for any more: it stays in the buffer, its lock renewed,
 * and is given back when no poll comes at the rhythm polls came before (P4). The buffer thus never
 * holds more than the lanes' sizes add up to.
 *
 * <p>Thread-safe; one lock guards everything, lanes wait for their turn on conditions of it.
 */
final class LanePool implements PartitionWatch.Lanes {

  private static final Logger log = LoggerFactory.getLogger(LanePool.class);

  /** A poll that does not want to wait still waits for one fetch: else it would never get any. */
  private static final Duration FETCH_TIME = Duration.ofMillis(150);

  private static final Duration OPEN_AFTER = Duration.ofMillis(30);
  private static final long MIN_GIVE_BACK_NANOS = Duration.ofSeconds(1).toNanos();
  private static final long MIN_DISARM_NANOS = Duration.ofMillis(250).toNanos();
  private static final long MAX_DISARM_NANOS = Duration.ofSeconds(10).toNanos();
  private static final long MIN_IDLE_NANOS = Duration.ofSeconds(5).toNanos();
  private static final long OVERSIZE_NANOS = Duration.ofSeconds(2).toNanos();

  private final ShareSettings settings;
  private final WorkQueue queue;
  private final LaneFactory factory;
  private final LaneSizes sizes = new LaneSizes();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrived = lock.newCondition();
  private final ArrayDeque<Held> ready = new ArrayDeque<>();
  private final List<Lane> lanes = new ArrayList<>();
  private final AtomicInteger handedOut = new AtomicInteger();
  private int demand;
  private int nextNumber;
  private long lastPollAt;
  private long pollIntervalNanos;
  private long openNotBefore;
  private final PartitionWatch watch;
  private long arrivals;
  private long arrivalsSeen;
  private boolean opening;
  private boolean disarming;
  private boolean closed;
  private long closeBy;

  /** Opens lanes. */
  interface LaneFactory {
    Lane create(LanePool pool, int size, int number);
  }

  LanePool(
      ShareSettings settings, WorkQueue queue, LaneFactory factory, PartitionWatch.Broker broker) {
    this.watch = new PartitionWatch(settings.time(), broker, this);
    this.settings = settings;
    this.queue = queue;
    this.factory = factory;
    this.lastPollAt = settings.time().nanoTime();
    this.openNotBefore = lastPollAt;
  }

  private long now() {
    return settings.time().nanoTime();
  }

  /** As {@link WorkQueue#poll(int, Duration)}. */
  List<ShareDelivery> poll(int max, Duration wait) {
    long waitNanos = Math.max(saturated(wait), FETCH_TIME.toNanos());
    lock.lock();
    try {
      if (closed) {
        throw new QueueException(ErrorCode.CLOSED, "The queue " + settings.topic() + " is closed.");
      }
      long start = now();
      pollIntervalNanos = start - lastPollAt;
      lastPollAt = start;
      if (ready.isEmpty()) {
        await(max, start, waitNanos);
      }
      return handOut(max);
    } finally {
      lock.unlock();
    }
  }

  private void await(int max, long start, long waitNanos) {
    demand += max;
    try {
      sizes.concurrent((long) handedOut.get() + demand);
      balance();
      watch.start();
      while (ready.isEmpty() && !closed) {
        long left = waitNanos - (now() - start);
        if (left <= 0) {
          return;
        }
        arrived.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      demand -= max;
      lastPollAt = now();
      if (demand == 0 && !closed) {
        disarmLater();
      }
    }
  }

  private List<ShareDelivery> handOut(int max) {
    List<ShareDelivery> taken = new ArrayList<>(Math.min(max, ready.size()));
    while (taken.size() < max && !closed) {
      Held held = ready.poll();
      if (held == null) {
        break;
      }
      Envelope envelope = held.envelope;
      if (envelope == null) {
        throw new IllegalStateException("an undecodable record cannot be handed out");
      }
      ShareDelivery delivery =
          new ShareDelivery(
              queue,
              envelope,
              held,
              settings.time(),
              settings.leaseNanos(),
              heldNanos -> {
                handedOut.decrementAndGet();
                sizes.settled(heldNanos);
              });
      handedOut.incrementAndGet();
      held.lane.handedOut();
      held.delivery = delivery;
      taken.add(delivery);
    }
    if (!taken.isEmpty()) {
      balance();
    }
    return taken;
  }

  /** Number of deliveries in the callers' hands and records in the buffer. */
  int held() {
    lock.lock();
    try {
      return handedOut.get() + ready.size();
    } finally {
      lock.unlock();
    }
  }

  /** Records a lane has fetched; false when the queue is closed and they must be given back. */
  boolean offer(List<Held> records) {
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      ready.addAll(records);
      arrivals++;
      arrived.signalAll();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes back from the buffer what a lane put there and nobody took in time.
   *
   * @return the records that are now the lane's alone again
   */
  List<Held> withdrawStale(Lane lane) {
    lock.lock();
    try {
      long now = now();
      boolean nobodyPolls = demand == 0 && now - lastPollAt >= giveBackNanos();
      long patience = Math.max(giveBackNanos(), settings.leaseNanos() / 4);
      List<Held> withdrawn = new ArrayList<>();
      for (Iterator<Held> each = ready.iterator(); each.hasNext(); ) {
        Held held = each.next();
        boolean stale = closed || nobodyPolls || now - held.fetchedAt >= patience;
        if (held.lane == lane && stale) {
          each.remove();
          withdrawn.add(held);
        }
      }
      if (!withdrawn.isEmpty() && !closed && !nobodyPolls) {
        sizes.stalled(patience);
      }
      return withdrawn;
    } finally {
      lock.unlock();
    }
  }

  /** Takes one record out of the buffer; false when it is not there (any more). */
  boolean withdraw(Held held) {
    lock.lock();
    try {
      return ready.remove(held);
    } finally {
      lock.unlock();
    }
  }

  /** How long a record may lie in the buffer while no poll comes. */
  private long giveBackNanos() {
    return Math.min(
        Math.max(MIN_GIVE_BACK_NANOS, 2 * pollIntervalNanos),
        Math.max(MIN_GIVE_BACK_NANOS, settings.leaseNanos()));
  }

  /**
   * Blocks a lane that holds nothing until it is to fetch.
   *
   * @param armed its last fetch brought nothing and cannot be called back
   * @return true to fetch, false to end
   */
  boolean next(Lane lane, boolean armed) {
    lock.lock();
    try {
      lane.fetching = armed;
      long parkedAt = now();
      while (!closed && !lane.retired) {
        long idle = demand > 0 ? 0 : now() - lastPollAt;
        // A lane that goes on fetching takes what others wait for.
        long left = (armed ? disarmNanos() : idleLimitNanos()) - idle;
        if (left <= 0) {
          return false;
        }
        if (lane.fetching) {
          return true;
        }
        int wanted = wanted();
        if (wanted > 0 && lane.size <= allowedSize(wanted)) {
          lane.fetching = true;
          return true;
        }
        if (wanted > 0) {
          // Too large for the work at hand; as a member of the group it keeps partitions from
          // others.
          left = Math.min(left, OVERSIZE_NANOS - (now() - parkedAt));
          if (left <= 0) {
            return false;
          }
        }
        lane.parked = true;
        try {
          lane.turn.awaitNanos(left);
        } catch (InterruptedException e) {
          return false;
        } finally {
          lane.parked = false;
        }
      }
      return false;
    } finally {
      lock.unlock();
    }
  }

  /** How long lanes go on fetching while nobody polls. */
  private long disarmNanos() {
    return Math.min(Math.max(MIN_DISARM_NANOS, 2 * pollIntervalNanos), MAX_DISARM_NANOS);
  }

  /** Nobody polls any more: lanes that go on fetching would take what others wait for. */
  private void disarmLater() {
    if (!disarming) {
      disarming = true;
      TimeSource.Timer unused =
          settings.time().schedule(Duration.ofNanos(disarmNanos()), this::disarm);
    }
  }

  private void disarm() {
    lock.lock();
    try {
      disarming = false;
      if (closed || demand > 0) {
        return;
      }
      if (now() - lastPollAt < disarmNanos()) {
        disarmLater();
        return;
      }
      for (Lane lane : lanes) {
        if (lane.fetching) {
          lane.retired = true;
          lane.wakeUp();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** How long lanes stay in the group while nobody polls. */
  private long idleLimitNanos() {
    return Math.max(MIN_IDLE_NANOS, 2 * giveBackNanos());
  }

  /** A lane's fetch brought records: it fetches no more. */
  void fetched(Lane lane) {
    lock.lock();
    try {
      lane.fetching = false;
    } finally {
      lock.unlock();
    }
  }

  /** A lane has ended; {@code pause} keeps the next one from being opened before it is over. */
  void ended(Lane lane, Duration pause) {
    lock.lock();
    try {
      lanes.remove(lane);
      if (!pause.isZero()) {
        openNotBefore = now() + pause.toNanos();
      }
      if (!closed) {
        balance();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean starving() {
    lock.lock();
    try {
      boolean nothingCame = arrivals == arrivalsSeen;
      arrivalsSeen = arrivals;
      return !closed && (demand > 0 || !nothingCame) && !lanes.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Set<String> fetching() {
    lock.lock();
    try {
      Set<String> names = new HashSet<>();
      for (Lane lane : lanes) {
        if (lane.fetching) {
          names.add(lane.clientId());
        }
      }
      return names;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean openFor(Set<Integer> partitions) {
    lock.lock();
    try {
      int wanted = wanted();
      if (closed || wanted <= 0 || now() - openNotBefore < 0) {
        return false;
      }
      int opened = 0;
      // As many as are asked for: each partition alone may have to feed all callers.
      for (int missing = wanted; missing > 0 && lanes.size() < settings.maxLanes(); ) {
        missing -= open(allowedSize(missing)).size;
        opened++;
      }
      if (opened > 0) {
        log.debug(
            "Topic {}: {} more lanes, as partitions {} have no free one",
            settings.topic(),
            opened,
            partitions);
      }
      return opened > 0;
    } finally {
      lock.unlock();
    }
  }

  private Lane open(int size) {
    Lane lane = factory.create(this, size, nextNumber++);
    lane.fetching = true;
    lanes.add(lane);
    lane.start();
    return lane;
  }

  /** The watch over partitions, which is told what lanes hold. */
  PartitionWatch watch() {
    return watch;
  }

  /** What the fetching lanes should bring: what polls wait for, and a batch ahead of quick work. */
  private int wanted() {
    int size = sizes.byRate();
    boolean active = demand > 0 || now() - lastPollAt < MIN_GIVE_BACK_NANOS;
    int ahead = size > 1 && active ? size : 0;
    return demand + ahead - ready.size();
  }

  private int fetchingRecords() {
    int records = 0;
    for (Lane lane : lanes) {
      if (lane.fetching) {
        records += lane.size;
      }
    }
    return records;
  }

  /**
   * The largest lane that may fetch when {@code missing} records are: never more than asked for,
   * unless work is quick, or lanes run short because most hold slow or delayed records.
   */
  private int allowedSize(int missing) {
    int size = Math.max(LaneSizes.floor(missing), sizes.byRate());
    if (lanes.size() * 8 >= settings.maxLanes() * 7) {
      return Math.max(size, 64);
    }
    return lanes.size() * 4 >= settings.maxLanes() * 3 ? Math.max(size, 8) : size;
  }

  /**
   * Sends lanes to fetch. All that wait for their turn and are not too large: each sees only the
   * partitions the group has assigned to it, so one alone may find nothing while records wait. New
   * ones open only as far as those that fetch could not bring enough.
   */
  private void balance() {
    int wanted = wanted();
    if (closed || wanted <= 0) {
      return;
    }
    int limit = allowedSize(wanted);
    for (Lane lane : lanes) {
      if (lane.parked && !lane.fetching && !lane.retired && lane.size <= limit) {
        lane.fetching = true;
        lane.turn.signal();
      }
    }
    if (lanes.isEmpty()) {
      openMissing();
    } else if (!opening && wanted > fetchingRecords()) {
      opening = true;
      TimeSource.Timer unused = settings.time().schedule(OPEN_AFTER, this::openIfStillMissing);
    }
  }

  /** A lane about to confirm its last record is free in a moment, much sooner than a new one. */
  private void openIfStillMissing() {
    lock.lock();
    try {
      opening = false;
      if (!closed) {
        openMissing();
      }
    } finally {
      lock.unlock();
    }
  }

  private void openMissing() {
    int missing = wanted() - fetchingRecords();
    while (missing > 0 && now() - openNotBefore >= 0) {
      if (lanes.size() >= settings.maxLanes()) {
        retireOneParked();
        return;
      }
      missing -= open(allowedSize(missing)).size;
    }
  }

  /** Makes room for a lane of another size; its end opens the new one. */
  private void retireOneParked() {
    for (Lane lane : lanes) {
      if (lane.parked && !lane.fetching) {
        lane.retired = true;
        lane.turn.signal();
        return;
      }
    }
  }

  Condition newCondition() {
    return lock.newCondition();
  }

  boolean isClosed() {
    lock.lock();
    try {
      return closed;
    } finally {
      lock.unlock();
    }
  }

  /** When draining must end; meaningful once closed. */
  long closeBy() {
    lock.lock();
    try {
      return closeBy;
    } finally {
      lock.unlock();
    }
  }

  /** Lets no more records in or out and wakes everybody; returns the lanes, which end by then. */
  List<Lane> close(long by) {
    lock.lock();
    try {
      closed = true;
      closeBy = by;
      watch.stop();
      arrived.signalAll();
      for (Lane lane : lanes) {
        lane.turn.signal();
      }
      return List.copyOf(lanes);
    } finally {
      lock.unlock();
    }
  }

  private static long saturated(Duration wait) {
    Duration longest = Duration.ofNanos(Long.MAX_VALUE / 4);
    return wait.compareTo(longest) > 0 ? longest.toNanos() : wait.toNanos();
  }
}
