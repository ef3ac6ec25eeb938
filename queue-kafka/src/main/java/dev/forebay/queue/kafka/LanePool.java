package dev.forebay.queue.kafka;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.Explanation.State;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.Envelope;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Where the callers of poll meet the lanes: the buffer of fetched records, and what is asked for.
 *
 * <p>Where work is quick ({@link LaneSizes}), one batch is fetched ahead; where it is slow, nothing
 * is. A lane once sent to fetch cannot be called back (see {@link Lane}), so a record may arrive
 * that nobody waits for any more: it stays in the buffer, its lock renewed, and is given back when
 * no poll comes at the rhythm polls came before (P4). The buffer thus never holds more than the
 * lanes' sizes add up to.
 *
 * <p>Thread-safe; one lock guards everything, the {@link LaneFleet} included.
 */
final class LanePool implements PartitionWatch.Lanes, LaneFleet.Demand {

  /** A poll that does not want to wait still waits for one fetch: else it would never get any. */
  private static final Duration FETCH_TIME = Duration.ofMillis(150);

  private final ShareSettings settings;
  private final WorkQueue queue;
  private final LaneSizes sizes = new LaneSizes();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrived = lock.newCondition();
  private final ArrayDeque<Held> ready = new ArrayDeque<>();
  private final AtomicInteger handedOut = new AtomicInteger();
  private final Set<Held> inHand = ConcurrentHashMap.newKeySet();
  private int demand;
  private final PollRhythm rhythm;
  private final LaneFleet fleet;
  private final PartitionWatch watch;
  private long arrivals;
  private long arrivalsSeen;
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
    this.rhythm = new PollRhythm(settings.leaseNanos(), settings.time().nanoTime());
    this.fleet =
        new LaneFleet(
            lock,
            settings,
            this,
            rhythm,
            sizes,
            (size, number) -> factory.create(this, size, number));
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
      rhythm.pollBegins(start);
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
      fleet.balance();
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
      rhythm.pollEnds(now());
      if (demand == 0) {
        fleet.disarmLater();
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
                inHand.remove(held);
                sizes.settled(heldNanos);
              });
      handedOut.incrementAndGet();
      held.lane.handedOut();
      held.delivery = delivery;
      inHand.add(held);
      taken.add(delivery);
    }
    if (!taken.isEmpty()) {
      fleet.balance();
    }
    return taken;
  }

  /** What is known of a message; null when it is not here. */
  @Nullable Explanation explain(String id) {
    for (Held held : inHand) {
      ShareDelivery delivery = held.delivery;
      if (delivery != null && delivery.id().equals(id) && delivery.isHeld()) {
        Instant until = delivery.leaseUntil();
        return Explanation.until(
            id,
            State.LEASED,
            until,
            "It is leased since "
                + settings.time().now().minusNanos(delivery.heldNanos())
                + " by a caller in this process, until "
                + until
                + ". Record "
                + held
                + ".");
      }
    }
    lock.lock();
    try {
      for (Held held : ready) {
        if (held.envelope != null && held.envelope.id().equals(id)) {
          return Explanation.of(
              id,
              State.READY,
              "It was fetched by this process and waits for a poll: " + held + ".");
        }
      }
      return null;
    } finally {
      lock.unlock();
    }
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
      boolean nobodyPolls = demand == 0 && rhythm.idleNanos(now) >= rhythm.giveBackNanos();
      long patience = Math.max(rhythm.giveBackNanos(), settings.leaseNanos() / 4);
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

  @Override
  public boolean starving() {
    lock.lock();
    try {
      boolean nothingCame = arrivals == arrivalsSeen;
      arrivalsSeen = arrivals;
      return !closed && (demand > 0 || !nothingCame) && !fleet.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Set<String> fetching() {
    lock.lock();
    try {
      return fleet.fetching();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean openFor(Set<Integer> partitions) {
    lock.lock();
    try {
      return fleet.openFor(partitions);
    } finally {
      lock.unlock();
    }
  }

  /** The watch over partitions, which is told what lanes hold. */
  PartitionWatch watch() {
    return watch;
  }

  /** The lanes of this pool. */
  LaneFleet fleet() {
    return fleet;
  }

  /** What polls wait for, and a batch ahead of quick work. */
  @Override
  public int wanted() {
    int size = sizes.byRate();
    boolean active = demand > 0 || rhythm.isLively(now());
    int ahead = size > 1 && active ? size : 0;
    return demand + ahead - ready.size();
  }

  @Override
  public boolean waits() {
    return demand > 0;
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
      return fleet.close();
    } finally {
      lock.unlock();
    }
  }

  private static long saturated(Duration wait) {
    Duration longest = Duration.ofNanos(Long.MAX_VALUE / 4);
    return wait.compareTo(longest) > 0 ? longest.toNanos() : wait.toNanos();
  }
}
