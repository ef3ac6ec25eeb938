package dev.forebay.queue.worker;

import dev.forebay.queue.time.TimeSource;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A line with an order of its own and bounds on what runs at once: lanes take turns, the earliest
 * deadline of a lane comes first where asked for, and a start needs a place below the limit and its
 * permits. Whoever's turn it is is waited for rather than passed by: else small ones would keep a
 * big one from ever having its permits.
 *
 * <p>Thread-safe, by one lock.
 */
final class OrderedLine implements Line {

  private static final Comparator<Waiting> BY_ARRIVAL =
      Comparator.comparingLong(waiting -> waiting.number);

  private static final Comparator<Waiting> BY_DEADLINE =
      Comparator.<Waiting, Instant>comparing(waiting -> waiting.deadline).thenComparing(BY_ARRIVAL);

  /** One run with what it is ordered by. */
  private record Waiting(Run run, long number, long sinceNanos, Instant deadline) {}

  private final List<PriorityQueue<Waiting>> lanes = new ArrayList<>();
  private final LaneOrder order;
  private final Permits permits;
  private final IntSupplier limit;
  private final TimeSource time;
  private final Runnable changed;
  private final int[] runningIn;
  private final long[] waited;
  private final RecentMean costs = new RecentMean();
  private final Object lock = new Object();
  private long arrivals;
  private int running;
  private long inUse;

  /**
   * Empty.
   *
   * @param laneCount how many lanes feed it
   * @param limit how many may run now
   * @param changed told, outside the lock, whenever something has started or ended
   */
  OrderedLine(
      int laneCount,
      LaneOrder order,
      boolean earliestDeadlineFirst,
      Permits permits,
      IntSupplier limit,
      TimeSource time,
      Runnable changed) {
    for (int i = 0; i < laneCount; i++) {
      lanes.add(new PriorityQueue<>(earliestDeadlineFirst ? BY_DEADLINE : BY_ARRIVAL));
    }
    this.order = order;
    this.permits = permits;
    this.limit = limit;
    this.time = time;
    this.changed = changed;
    this.runningIn = new int[laneCount];
    this.waited = new long[laneCount];
  }

  /**
   * How many deliveries of a lane may be held now: those that run, and as many more as could start
   * at once, or as many as may wait.
   */
  int ceiling(Lane lane, int prefetch) {
    synchronized (lock) {
      return runningIn[lane.number] + Math.max(prefetch, limit() - running);
    }
  }

  @Override
  public void add(List<Run> runs) {
    // The user's function runs outside the lock.
    for (Run run : runs) {
      int cost = permits.of(run.delivery().message());
      run.cost(cost);
      costs.record(cost);
    }
    long now = time.nanoTime();
    synchronized (lock) {
      for (Run run : runs) {
        Instant deadline = run.deadlineOrNull();
        lanes
            .get(run.lane().number)
            .add(new Waiting(run, arrivals++, now, deadline == null ? Instant.MAX : deadline));
      }
    }
  }

  @Override
  public @Nullable Task poll() {
    Run run;
    synchronized (lock) {
      int lane = startable();
      if (lane < 0) {
        return null;
      }
      run = lanes.get(lane).remove().run;
      order.took(lane);
      running++;
      runningIn[lane]++;
      inUse += run.cost();
    }
    changed.run();
    return run;
  }

  @Override
  public boolean hasStartable() {
    synchronized (lock) {
      return startable() >= 0;
    }
  }

  @Override
  public void ended(Task task) {
    if (task instanceof Run run) {
      synchronized (lock) {
        running--;
        runningIn[run.lane().number]--;
        inUse -= run.cost();
      }
      changed.run();
    }
  }

  @Override
  public List<Run> withdraw() {
    List<Run> out = new ArrayList<>();
    synchronized (lock) {
      for (PriorityQueue<Waiting> lane : lanes) {
        lane.forEach(waiting -> out.add(waiting.run));
        lane.clear();
      }
    }
    return out;
  }

  @Override
  public int concurrency(int room) {
    int most = Math.min(room, limit());
    double cost = costs.value();
    return cost > 0 ? (int) Math.max(1, Math.min(most, permits.total() / cost)) : most;
  }

  @Override
  public boolean isEmpty() {
    synchronized (lock) {
      return lanes.stream().allMatch(PriorityQueue::isEmpty);
    }
  }

  @Override
  public void forEach(Consumer<Run> action) {
    List<Run> all = new ArrayList<>();
    synchronized (lock) {
      lanes.forEach(lane -> lane.forEach(waiting -> all.add(waiting.run)));
    }
    all.forEach(action);
  }

  /** The lane whose first may start now, or -1. */
  private int startable() {
    if (running >= limit()) {
      return -1;
    }
    long now = time.nanoTime();
    for (int lane = 0; lane < waited.length; lane++) {
      Waiting first = lanes.get(lane).peek();
      waited[lane] = first == null ? LaneOrder.NOTHING : Math.max(0, now - first.sinceNanos);
    }
    int lane = order.next(waited);
    if (lane < 0) {
      return -1;
    }
    Waiting first = lanes.get(lane).element();
    // With nothing running everything fits.
    return running == 0 || inUse + first.run.cost() <= permits.total() ? lane : -1;
  }

  private int limit() {
    return Math.max(1, limit.getAsInt());
  }
}
