package dev.forebay.queue.worker;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.progress.ProgressStore;
import dev.forebay.queue.spi.Checks;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which parts a worker is made of, by what its builder was told. Used once, by one thread. */
final class Plan {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  /** A queue and its share of the turns. */
  record Source(WorkQueue queue, int weight) {}

  /** The worker's own gates, as listeners know them. */
  static final String PAUSED = "paused";

  static final String THROTTLED = "throttled";

  /** What a lane of a great weight holds at most in advance of its turns. */
  private static final int MOST_PREFETCHED_BY_WEIGHT = 100;

  /** Fewer than this are no choice of deadlines. */
  private static final int LEAST_PREFETCHED_BY_DEADLINE = 10;

  private final WorkerBuilder builder;
  private final Work.@Nullable Batching<?> batching;

  /**
   * By what the builder was told.
   *
   * @throws IllegalStateException when it has no handler
   */
  Plan(WorkerBuilder builder) {
    this.builder = builder;
    this.batching = builder.work().batching();
  }

  /**
   * Refuses what contradicts itself or the queues (S2), and warns of what is likely a mistake.
   *
   * @throws IllegalStateException when settings contradict each other
   * @throws IllegalArgumentException when a queue does not grant the lease asked for
   */
  void check() {
    if (batching != null && ordered()) {
      throw new IllegalStateException(
          "A worker of batches has one queue, and neither prefetch, permits, limit nor an order by"
              + " deadline: its batches are made by their own options.");
    }
    if (builder.earliestDeadlineFirst && builder.prefetch == 0) {
      throw new IllegalStateException(
          "The earliest deadline is chosen among prefetched messages, and prefetch(0) lets none"
              + " wait. Prefetch some, or leave it unset.");
    }
    for (Source source : builder.sources) {
      Capabilities can = source.queue().capabilities();
      builder.leases.lease().ifPresent(lease -> Checks.lease(lease, can));
      if (!can.deadLetters()) {
        LOG.warn(
            "Queue {} has no dead-letter destination: messages that cannot be handled are retried"
                + " for ever. Set one in the queue's builder.",
            source.queue().name());
      }
    }
  }

  /** How many messages can be in handlers at once. */
  int room() {
    return batching == null ? builder.slots : builder.slots * batching.options().maxItems();
  }

  /** How many deliveries of the lane of this number may be held at once. */
  int roomOfLane(int lane) {
    // While one batch runs the next one fills.
    return batching == null ? room() + prefetch(lane) : 2 * room();
  }

  List<Source> sources() {
    return builder.sources;
  }

  Gates gates(Gate paused, Gate throttled, Signals signals) {
    Map<String, Gate> all = new LinkedHashMap<>(builder.gates);
    all.put(PAUSED, paused);
    all.put(THROTTLED, throttled);
    return new Gates(all, signals);
  }

  /** What keeps expired work from the handler. */
  DeadlineStep deadlines() {
    return new DeadlineStep(builder.expiry, builder.retry.backoff(), builder.time);
  }

  Steps steps(StepContext context, Gates gates) {
    List<Step> steps = new ArrayList<>();
    steps.add(deadlines());
    steps.add(new GateStep(gates, context.parking(), builder.time));
    if (builder.limit != null) {
      steps.add(new LimitStep(builder.limit, context));
    }
    builder.steps.forEach(step -> steps.add(step.apply(context)));
    return new Steps(steps);
  }

  /**
   * Where runs wait.
   *
   * @param lookAgain told when something may start that could not
   * @param moved told when something has started or ended
   */
  Line line(Runnable lookAgain, Runnable moved) {
    if (batching != null) {
      return new BatchLine(batching.options(), builder.slots, builder.time, lookAgain);
    }
    if (!ordered()) {
      return new FifoLine();
    }
    int[] weights = builder.sources.stream().mapToInt(Source::weight).toArray();
    return new OrderedLine(
        weights.length,
        new LaneOrder(weights, builder.strictLanes, builder.ageing.toNanos()),
        builder.earliestDeadlineFirst,
        builder.permits,
        runningLimit(),
        builder.time,
        moved);
  }

  /** Where handlers' progress is kept; null for nowhere. */
  @Nullable ProgressKeeper progress(Signals signals) {
    ProgressStore store = builder.progress;
    return store == null
        ? null
        : new ProgressKeeper(store, builder.progressRetention, builder.time, signals);
  }

  /** Who is told when the worker has something in hand; null for nobody. */
  @Nullable Activity activity(String threadName) {
    ScaleInProtection protection = builder.protection;
    return protection == null
        ? null
        : new Activity(protection, builder.protectionLinger, builder.time, threadName);
  }

  /** How many deliveries of a lane may be held now. */
  IntSupplier ceiling(Line line, Lane lane) {
    int prefetch = prefetch(lane.number);
    return line instanceof OrderedLine ordered
        ? () -> ordered.ceiling(lane, prefetch)
        : () -> Integer.MAX_VALUE;
  }

  /** What a thread does with a task. */
  Consumer<Task> body(Execution execution) {
    if (batching == null) {
      return execution;
    }
    Consumer<Batch> batches = batching.execution(execution, builder.retry);
    return task -> {
      if (task instanceof Batch batch) {
        batches.accept(batch);
      }
    };
  }

  private int prefetch(int lane) {
    boolean several = builder.sources.size() > 1;
    if (builder.prefetch != WorkerBuilder.PREFETCH_UNSET) {
      // A lane of which nothing may wait would never be compared with the others.
      return several ? Math.max(1, builder.prefetch) : builder.prefetch;
    }
    int forTurns = 0;
    if (several) {
      // A lane with nothing waiting misses its turn, so as many as it has in a row.
      int weight = builder.strictLanes ? 1 : builder.sources.get(lane).weight();
      forTurns = Math.min(weight, MOST_PREFETCHED_BY_WEIGHT);
    }
    return builder.earliestDeadlineFirst
        ? Math.max(forTurns, Math.max(builder.slots, LEAST_PREFETCHED_BY_DEADLINE))
        : forTurns;
  }

  /** Whether it takes more than first come, first served. */
  boolean ordered() {
    return builder.sources.size() > 1
        || builder.prefetch > 0
        || builder.earliestDeadlineFirst
        || builder.limit != null
        || builder.permits.total() < Integer.MAX_VALUE;
  }

  private IntSupplier runningLimit() {
    int slots = builder.slots;
    @Nullable ConcurrencyLimit limit = builder.limit;
    if (limit == null) {
      return () -> slots;
    }
    AtomicBoolean failureLogged = new AtomicBoolean();
    return () -> {
      try {
        return Math.min(slots, limit.limit());
      } catch (RuntimeException | Error e) {
        if (failureLogged.compareAndSet(false, true)) {
          LOG.warn("A concurrency limit failed; while it does, all slots may run", e);
        }
        return slots;
      }
    };
  }
}
