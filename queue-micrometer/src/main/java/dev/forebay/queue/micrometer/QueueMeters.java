package dev.forebay.queue.micrometer;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Delivery;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;

/**
 * The meters of the deliveries of one queue: those without further labels ready to count, the
 * others by name. Thread-safe.
 */
final class QueueMeters {

  private static final String ATTEMPTS = "attempts";
  private static final String CAUSE = "cause";

  final Counter acked;
  final Counter retried;
  final Counter throttled;
  final Counter returned;
  final Counter leasesLost;
  final Counter extensionsFailed;
  final Counter wasted;
  final Timer leaseMargin;

  private final MeterRegistry registry;
  private final Tags tags;
  private final Counter received;
  private final DistributionSummary failedBefore;
  private final DistributionSummary lostBefore;
  private final DistributionSummary returnedBefore;

  QueueMeters(MeterRegistry registry, String queue) {
    this.registry = registry;
    tags = Tags.of(WorkerMeters.QUEUE, queue);
    received = counter("received");
    acked = counter("acked");
    retried = counter("retried");
    throttled = counter("throttled");
    returned = counter("returned");
    leasesLost = counter("leases.lost");
    extensionsFailed = counter("extensions.failed");
    wasted =
        Counter.builder(WorkerMeters.PREFIX + "wasted")
            .baseUnit(WorkerMeters.SECONDS)
            .tags(tags)
            .register(registry);
    leaseMargin = registry.timer(WorkerMeters.PREFIX + "lease.margin", tags);
    failedBefore = attempts("failed");
    lostBefore = attempts("lease_lost");
    returnedBefore = attempts("returned");
  }

  private DistributionSummary attempts(String cause) {
    return registry.summary(WorkerMeters.PREFIX + ATTEMPTS, tags.and(CAUSE, cause));
  }

  Counter counter(String name, String... labels) {
    return registry.counter(WorkerMeters.PREFIX + name, tags.and(labels));
  }

  Timer timer(String name, String type, String... labels) {
    return registry.timer(WorkerMeters.PREFIX + name, tags.and("type", type).and(labels));
  }

  void received(Delivery delivery) {
    received.increment();
    Attempts earlier = delivery.attempts();
    failedBefore.record(earlier.failed());
    lostBefore.record(earlier.leaseLost());
    returnedBefore.record(earlier.returned());
  }
}
