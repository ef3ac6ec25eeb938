package dev.forebay.queue.kafka;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The lanes of a queue: which of them fetch, when another one opens, when one leaves.
 *
 * <p>Lanes fetch by demand: as long as the lanes that are fetching cannot bring what is wanted,
 * another one starts. A parked lane is taken before a new one is opened, which needs time to join
 * the group. A lane once sent to fetch cannot be called back (see {@link Lane}).
 *
 * <p>Guarded by the pool's lock: callers hold it, but for {@link #next}, {@link #ended} and the
 * timers, which take it. Lanes wait for their turn on conditions of it.
 */
final class LaneFleet {

  private static final Logger log = LoggerFactory.getLogger(LaneFleet.class);
  private static final Duration OPEN_AFTER = Duration.ofMillis(30);
  private static final long OVERSIZE_NANOS = Duration.ofSeconds(2).toNanos();

  /** Opens lanes. */
  interface Factory {
    Lane create(int size, int number);
  }

  /** What the callers of poll want; asked under the pool's lock. */
  interface Demand {
    /** Records that the fetching lanes should bring. */
    int wanted();

    /** Whether a poll waits. */
    boolean waits();
  }

  private final ReentrantLock lock;
  private final ShareSettings settings;
  private final Demand demand;
  private final PollRhythm rhythm;
  private final LaneSizes sizes;
  private final Factory factory;
  private final List<Lane> lanes = new ArrayList<>();
  private int nextNumber;
  private long openNotBefore;
  private boolean opening;
  private boolean disarming;
  private boolean closed;

  LaneFleet(
      ReentrantLock lock,
      ShareSettings settings,
      Demand demand,
      PollRhythm rhythm,
      LaneSizes sizes,
      Factory factory) {
    this.lock = lock;
    this.settings = settings;
    this.demand = demand;
    this.rhythm = rhythm;
    this.sizes = sizes;
    this.factory = factory;
    this.openNotBefore = now();
  }

  private long now() {
    return settings.time().nanoTime();
  }

  Condition newCondition() {
    return lock.newCondition();
  }

  boolean isEmpty() {
    return lanes.isEmpty();
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
        long idle = demand.waits() ? 0 : rhythm.idleNanos(now());
        // A lane that goes on fetching takes what others wait for.
        long left = (armed ? rhythm.disarmNanos() : rhythm.leaveNanos()) - idle;
        if (left <= 0) {
          return false;
        }
        if (lane.fetching) {
          return true;
        }
        int wanted = demand.wanted();
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
      balance();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Sends lanes to fetch. All that wait for their turn and are not too large: each sees only the
   * partitions the group has assigned to it, so one alone may find nothing while records wait. New
   * ones open only as far as those that fetch could not bring enough.
   */
  void balance() {
    int wanted = demand.wanted();
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
    int missing = demand.wanted() - fetchingRecords();
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

  private Lane open(int size) {
    Lane lane = factory.create(size, nextNumber++);
    lane.fetching = true;
    lanes.add(lane);
    lane.start();
    return lane;
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

  /** Client ids of the lanes that fetch. */
  Set<String> fetching() {
    Set<String> names = new HashSet<>();
    for (Lane lane : lanes) {
      if (lane.fetching) {
        names.add(lane.clientId());
      }
    }
    return names;
  }

  /** Opens lanes because the partitions have records and no free lane; false when it cannot. */
  boolean openFor(Set<Integer> partitions) {
    int wanted = demand.wanted();
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
  }

  /** Nobody polls any more: lanes that go on fetching would take what others wait for. */
  void disarmLater() {
    if (!disarming && !closed) {
      disarming = true;
      TimeSource.Timer unused =
          settings.time().schedule(Duration.ofNanos(rhythm.disarmNanos()), this::disarm);
    }
  }

  private void disarm() {
    lock.lock();
    try {
      disarming = false;
      if (closed || demand.waits()) {
        return;
      }
      if (rhythm.idleNanos(now()) < rhythm.disarmNanos()) {
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

  /** Opens no more lanes and wakes those that wait; returns all, which end by themselves. */
  List<Lane> close() {
    closed = true;
    for (Lane lane : lanes) {
      lane.turn.signal();
    }
    return List.copyOf(lanes);
  }
}
