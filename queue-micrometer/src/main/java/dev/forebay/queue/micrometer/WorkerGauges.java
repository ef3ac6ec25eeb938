package dev.forebay.queue.micrometer;

import dev.forebay.queue.worker.Worker;
import dev.forebay.queue.worker.WorkerStats;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * The gauges that are read from workers: in the registry while there is a worker bound, over all of
 * those that are, and without the ones that have ended, of which nothing is kept. A registry has
 * one gauge of a name and its labels; the latest to come here has it. Thread-safe.
 */
final class WorkerGauges {

  private final MeterRegistry registry;
  private final Tags tags;
  private final Backlog backlog;
  private final CopyOnWriteArrayList<Worker> workers = new CopyOnWriteArrayList<>();
  // Both guarded by this.
  private final List<Gauge> registered = new ArrayList<>();
  private boolean limited;

  WorkerGauges(MeterRegistry registry, Tags tags, Duration acceptableAge) {
    this.registry = registry;
    this.tags = tags;
    this.backlog = new Backlog(this::running, acceptableAge);
  }

  synchronized void add(Worker worker) {
    if (workers.addIfAbsent(worker)) {
      backlog.forget();
    }
    if (registered.isEmpty()) {
      gauge("slots", sum(WorkerStats::slots), null);
      gauge("concurrency", sum(WorkerStats::concurrency), null);
      gauge("in.flight", sum(WorkerStats::running), null);
      gauge("hung", sum(WorkerStats::hung), null);
      gauge("backlog", backlog::messages, null);
      gauge("oldest.age", backlog::oldestAgeSeconds, WorkerMeters.SECONDS);
      gauge("desired.workers", backlog::desiredWorkers, null);
      gauge("drain", backlog::drainSeconds, WorkerMeters.SECONDS);
    }
    if (!limited && worker.concurrencyLimit().isPresent()) {
      limited = true;
      gauge("limit", () -> running().stream().mapToLong(WorkerGauges::limit).sum(), null);
      gauge(
          "limit.estimate", () -> running().stream().mapToLong(WorkerGauges::estimate).sum(), null);
    }
  }

  synchronized void remove(Worker worker) {
    if (workers.remove(worker)) {
      backlog.forget();
    }
    if (running().isEmpty()) {
      registered.forEach(this::unregister);
      registered.clear();
      limited = false;
    }
  }

  /** The workers that have not ended; the others are let go. */
  private List<Worker> running() {
    if (workers.removeIf(Worker::isTerminated)) {
      // Not under the lock of this: readers must not wait for one another.
      backlog.forget();
    }
    return workers;
  }

  private Supplier<Number> sum(ToDoubleFunction<WorkerStats> figure) {
    return () ->
        running().stream().mapToDouble(worker -> figure.applyAsDouble(worker.stats())).sum();
  }

  private static long limit(Worker worker) {
    int slots = worker.stats().slots();
    return worker.concurrencyLimit().map(limit -> Math.min(slots, limit.limit())).orElse(slots);
  }

  private static long estimate(Worker worker) {
    return worker.concurrencyLimit().map(limit -> limit.estimate()).orElse(worker.stats().slots());
  }

  private void gauge(String name, Supplier<Number> value, @Nullable String unit) {
    registered.add(register(registry, name, tags, value, unit));
  }

  /** Registers a gauge, in the place of one that has its name and labels. */
  static Gauge register(
      MeterRegistry registry,
      String name,
      Tags tags,
      Supplier<Number> value,
      @Nullable String unit) {
    String full = WorkerMeters.PREFIX + name;
    // Else the registry would go on with that one, of a worker that has long been closed maybe.
    registry.find(full).tags(tags).gauges().forEach(registry::remove);
    return Gauge.builder(full, value).tags(tags).baseUnit(unit).register(registry);
  }

  private void unregister(Gauge gauge) {
    boolean mine =
        registry.find(gauge.getId().getName()).tags(tags).gauges().stream()
            .anyMatch(found -> found == gauge);
    if (mine) {
      registry.remove(gauge);
    }
  }
}
