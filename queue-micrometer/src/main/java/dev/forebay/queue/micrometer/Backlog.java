package dev.forebay.queue.micrometer;

import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import dev.forebay.queue.worker.ScaleSignal;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The queue's depth as gauges read it: asked of the broker at most once in ten seconds, however
 * many gauges there are, and unknown ({@code NaN}) while the broker cannot be asked. Thread-safe.
 */
final class Backlog {

  private static final Duration KEPT = Duration.ofSeconds(10);

  private final Worker worker;
  private final Duration acceptableAge;
  private final TimeSource time = SystemTimeSource.get();
  private @Nullable QueueDepth depth;
  private long askedAtNanos;
  private boolean asked;

  Backlog(Worker worker, Duration acceptableAge) {
    this.worker = worker;
    this.acceptableAge = acceptableAge;
  }

  Number messages() {
    QueueDepth now = depth();
    return now == null ? Double.NaN : now.backlog();
  }

  Number oldestAgeSeconds() {
    QueueDepth now = depth();
    return now == null
        ? Double.NaN
        : now.oldestAge().map(age -> age.toNanos() / 1e9).orElse(Double.NaN);
  }

  Number desiredWorkers() {
    ScaleSignal signal = signal();
    return signal == null ? Double.NaN : signal.desiredWorkers();
  }

  Number drainSeconds() {
    ScaleSignal signal = signal();
    return signal == null ? Double.NaN : signal.drain().toNanos() / 1e9;
  }

  private @Nullable ScaleSignal signal() {
    QueueDepth now = depth();
    return now == null ? null : ScaleSignal.of(now.backlog(), worker.stats(), acceptableAge, 1);
  }

  private synchronized @Nullable QueueDepth depth() {
    long now = time.nanoTime();
    if (!asked || now - askedAtNanos >= KEPT.toNanos()) {
      asked = true;
      askedAtNanos = now;
      try {
        depth = worker.queue().depth();
      } catch (RuntimeException e) {
        // The broker is away, which its own meters say.
        depth = null;
      }
    }
    return depth;
  }
}
