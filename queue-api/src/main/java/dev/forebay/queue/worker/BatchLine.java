package dev.forebay.queue.worker;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts runs together into batches (W3): by key, in the order they came, until one is ready. Of
 * several that are ready the one whose first message has waited longest is next. A batch that waits
 * for a free thread goes on filling. As many keys as runs at most, and those are bounded by the
 * slots.
 *
 * <p>Thread-safe, by one lock.
 */
final class BatchLine implements Line {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private record Waiting(Run run, long cost, long sinceNanos) {}

  private final BatchOptions options;
  private final int maxRunning;
  private final TimeSource time;
  private final Runnable lookAgain;
  private final RecentMean costs = new RecentMean();
  private final AtomicBoolean failureLogged = new AtomicBoolean();
  private final Object lock = new Object();
  private final Map<String, ArrayDeque<Waiting>> groups = new LinkedHashMap<>();
  private TimeSource.@Nullable Timer timer;
  private long timerNanos;
  private int running;

  /**
   * Empty.
   *
   * @param maxRunning how many batches run at once
   * @param lookAgain told when a linger is over
   */
  BatchLine(BatchOptions options, int maxRunning, TimeSource time, Runnable lookAgain) {
    this.options = options;
    this.maxRunning = maxRunning;
    this.time = time;
    this.lookAgain = lookAgain;
  }

  @Override
  public void add(List<Run> runs) {
    for (Run run : runs) {
      String key = "";
      long cost = 0;
      try {
        @Nullable String told = options.key().apply(run.delivery().message());
        key = told == null ? "" : told;
        cost = Math.max(0, options.cost().applyAsLong(run.delivery().message()));
      } catch (RuntimeException | Error e) {
        if (failureLogged.compareAndSet(false, true)) {
          LOG.warn(
              "The key or cost function of a batch failed on {}; such messages go with those"
                  + " without a key or cost nothing",
              run,
              e);
        }
      }
      costs.record((double) cost);
      synchronized (lock) {
        groups
            .computeIfAbsent(key, none -> new ArrayDeque<>())
            .add(new Waiting(run, cost, time.nanoTime()));
      }
    }
    arm();
  }

  @Override
  public @Nullable Task poll() {
    List<Run> taken = new ArrayList<>();
    synchronized (lock) {
      String key = ready();
      if (key == null) {
        return null;
      }
      ArrayDeque<Waiting> group = groups.getOrDefault(key, new ArrayDeque<>());
      long left = options.budget();
      while (!group.isEmpty()
          && taken.size() < options.maxItems()
          && (taken.isEmpty() || group.getFirst().cost <= left)) {
        Waiting first = group.removeFirst();
        left -= first.cost;
        taken.add(first.run);
      }
      if (group.isEmpty()) {
        groups.remove(key);
      }
      running++;
    }
    arm();
    return new Batch(taken);
  }

  @Override
  public boolean hasStartable() {
    synchronized (lock) {
      return ready() != null;
    }
  }

  @Override
  public void ended(Task task) {
    synchronized (lock) {
      running--;
    }
  }

  @Override
  public List<Run> withdraw() {
    List<Run> out = new ArrayList<>();
    synchronized (lock) {
      groups.values().forEach(group -> group.forEach(waiting -> out.add(waiting.run)));
      groups.clear();
      disarm();
    }
    return out;
  }

  @Override
  public int concurrency(int room) {
    double cost = costs.value();
    return cost > 0
        ? maxRunning * (int) Math.max(1, Math.min(options.maxItems(), options.budget() / cost))
        : room;
  }

  @Override
  public boolean isEmpty() {
    synchronized (lock) {
      return groups.isEmpty();
    }
  }

  @Override
  public void forEach(Consumer<Run> action) {
    List<Run> all = new ArrayList<>();
    synchronized (lock) {
      groups.values().forEach(group -> group.forEach(waiting -> all.add(waiting.run)));
    }
    all.forEach(action);
  }

  /** The key of the ready group that has waited longest; null when there is none. */
  private @Nullable String ready() {
    if (running >= maxRunning) {
      return null;
    }
    long now = time.nanoTime();
    String best = null;
    long bestSince = 0;
    for (Map.Entry<String, ArrayDeque<Waiting>> entry : groups.entrySet()) {
      long since = entry.getValue().getFirst().sinceNanos;
      if ((best == null || since - bestSince < 0) && isReady(entry.getValue(), now)) {
        best = entry.getKey();
        bestSince = since;
      }
    }
    return best;
  }

  private boolean isReady(ArrayDeque<Waiting> group, long now) {
    if (group.size() >= options.maxItems()
        || now - group.getFirst().sinceNanos >= options.linger().toNanos()) {
      return true;
    }
    long cost = 0;
    for (Iterator<Waiting> each = group.iterator(); each.hasNext() && cost < options.budget(); ) {
      cost += each.next().cost;
    }
    return cost >= options.budget();
  }

  /** One timer, for the linger that ends first. */
  private void arm() {
    synchronized (lock) {
      long now = time.nanoTime();
      long soonest = Long.MAX_VALUE;
      for (ArrayDeque<Waiting> group : groups.values()) {
        long left = group.getFirst().sinceNanos + options.linger().toNanos() - now;
        if (left > 0) {
          soonest = Math.min(soonest, left);
        }
      }
      if (soonest == Long.MAX_VALUE) {
        disarm();
        return;
      }
      if (timer != null && timerNanos - (now + soonest) == 0) {
        return;
      }
      disarm();
      timerNanos = now + soonest;
      timer = time.schedule(Duration.ofNanos(soonest), this::lingerOver);
    }
  }

  private void lingerOver() {
    synchronized (lock) {
      timer = null;
    }
    arm();
    lookAgain.run();
  }

  private void disarm() {
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
  }
}
