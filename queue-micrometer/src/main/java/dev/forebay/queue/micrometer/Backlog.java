package dev.forebay.queue.micrometer;

import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import dev.forebay.queue.worker.ScaleSignal;
import dev.forebay.queue.worker.Worker;
import dev.forebay.queue.worker.WorkerStats;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What waits in all queues of some workers, as gauges read it: asked of the broker at most once in
 * ten seconds, however many gauges there are, and unknown ({@code NaN}) while one of the queues
 * cannot be asked, and without a worker. Queues of one name are one queue. Thread-safe.
 */
final class Backlog {

  private static final Duration KEPT = Duration.ofSeconds(10);

  /**
   * What waits.
   *
   * @param oldestAge in seconds; NaN when no queue knows
   */
  private record Depth(long messages, double oldestAge) {}

  private final Supplier<List<Worker>> workers;
  private final Duration acceptableAge;
  private final TimeSource time = SystemTimeSource.get();
  private @Nullable Depth depth;
  private long askedAtNanos;
  private boolean asked;

  Backlog(Supplier<List<Worker>> workers, Duration acceptableAge) {
    this.workers = workers;
    this.acceptableAge = acceptableAge;
  }

  Number messages() {
    Depth now = depth();
    return now == null ? Double.NaN : now.messages;
  }

  Number oldestAgeSeconds() {
    Depth now = depth();
    return now == null ? Double.NaN : now.oldestAge;
  }

  Number desiredWorkers() {
    ScaleSignal signal = signal();
    return signal == null ? Double.NaN : signal.desiredWorkers();
  }

  Number drainSeconds() {
    ScaleSignal signal = signal();
    return signal == null ? Double.NaN : signal.drain().toNanos() / 1e9;
  }

  /** Other workers come and go: what was known of the queues of those before is out of date. */
  synchronized void forget() {
    asked = false;
  }

  private @Nullable ScaleSignal signal() {
    List<Worker> there = workers.get();
    Depth now = depth();
    if (now == null || there.isEmpty()) {
      return null;
    }
    long concurrency = 0;
    double known = 0;
    double busy = 0;
    for (Worker worker : there) {
      WorkerStats stats = worker.stats();
      concurrency += stats.concurrency();
      if (!stats.recentHandlerTime().isZero()) {
        known += stats.concurrency();
        busy += stats.concurrency() * (double) stats.recentHandlerTime().toNanos();
      }
    }
    // As if all of them were alike, each with its share of what runs at once.
    Duration mean = known == 0 ? Duration.ZERO : Duration.ofNanos((long) (busy / known));
    int each = (int) Math.max(1, concurrency / there.size());
    return ScaleSignal.of(now.messages, mean, each, acceptableAge, there.size());
  }

  private synchronized @Nullable Depth depth() {
    long now = time.nanoTime();
    if (!asked || now - askedAtNanos >= KEPT.toNanos()) {
      asked = true;
      askedAtNanos = now;
      try {
        depth = ask();
      } catch (RuntimeException e) {
        // The broker is away, which its own meters say.
        depth = null;
      }
    }
    return depth;
  }

  private @Nullable Depth ask() {
    Map<String, WorkQueue> queues = new LinkedHashMap<>();
    for (Worker worker : workers.get()) {
      worker.queues().forEach(queue -> queues.putIfAbsent(queue.name(), queue));
    }
    if (queues.isEmpty()) {
      return null;
    }
    long messages = 0;
    double oldest = Double.NaN;
    for (WorkQueue queue : queues.values()) {
      QueueDepth found = queue.depth();
      messages += found.backlog();
      double age = found.oldestAge().map(duration -> duration.toNanos() / 1e9).orElse(Double.NaN);
      if (Double.isNaN(oldest) || age > oldest) {
        oldest = age;
      }
    }
    return new Depth(messages, oldest);
  }
}
