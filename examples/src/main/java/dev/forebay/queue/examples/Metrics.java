package dev.forebay.queue.examples;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.micrometer.MessageObservations;
import dev.forebay.queue.micrometer.WorkerMeters;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.worker.Handler;
import dev.forebay.queue.worker.Worker;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.observation.DefaultMeterObservationHandler;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import java.time.Duration;

/**
 * What do my workers do, and how do I see it in Prometheus, or a request's way in a trace?
 *
 * <p>Meters: make {@link WorkerMeters} a listener of the worker and bind it. Traces: wrap the
 * producer's queue and the handler in {@link MessageObservations}; with Micrometer Tracing's
 * handlers in the observation registry the handler's span goes on in the trace of the request that
 * the message was sent in, by the W3C {@code traceparent} in its headers. Here the only handler
 * makes timers of the observations.
 */
public final class Metrics {

  private final MeterRegistry registry = new SimpleMeterRegistry();
  private final MessageObservations observed;

  private Metrics() {
    ObservationRegistry observations = ObservationRegistry.create();
    observations
        .observationConfig()
        .observationHandler(new DefaultMeterObservationHandler(registry));
    observed = MessageObservations.of(observations);
  }

  /** Fails once, as models do. */
  private static final Handler<Delivery> MODEL =
      (delivery, context) -> {
        Thread.sleep(5);
        if (delivery.message().text().equals("prompt 1") && context.attempt() == 1) {
          throw new IllegalStateException("out of memory");
        }
      };

  private void run(WorkQueue queue) throws InterruptedException {
    WorkerMeters meters =
        WorkerMeters.builder(registry, queue.name()).acceptableAge(Duration.ofSeconds(10)).build();
    WorkQueue producer = observed.producer(queue);
    for (int i = 0; i < 3; i++) {
      producer.enqueue(Message.text("prompt " + i).type("chat")).join().orThrow();
    }
    try (Worker worker =
        Worker.builder(queue)
            .retry(RetryPolicy.exponential(Duration.ofMillis(5), Duration.ofSeconds(1)))
            .listener(meters)
            .handler(observed.handler(MODEL))
            .start()) {
      WorkerMeters.Binding binding = meters.bind(worker);
      while (worker.stats().handled() < 3) {
        Thread.sleep(5);
      }
      gauge("slots");
      gauge("backlog");
      gauge("desired.workers");
      binding.close(); // the end of the worker would do
    }
    counter("received");
    counter("retried");
    System.out.println(
        "failed before, in all: "
            + (int)
                registry
                    .get("forebay.worker.attempts")
                    .tag("cause", "failed")
                    .summary()
                    .totalAmount());
    timers("forebay.worker.handler");
    timers("forebay.enqueue");
    timers("forebay.handle");
  }

  private void gauge(String name) {
    String full = "forebay.worker." + name;
    System.out.println(full + " " + (int) registry.get(full).gauge().value());
  }

  private void counter(String name) {
    String full = "forebay.worker." + name;
    System.out.println(full + " " + (int) registry.get(full).counter().count());
  }

  private void timers(String name) {
    System.out.println(
        name
            + " "
            + registry.get(name).timers().stream().mapToLong(timer -> timer.count()).sum()
            + " times");
  }

  /** Three prompts, one of them twice. */
  public static void main(String[] args) throws InterruptedException {
    try (WorkQueue queue = InMemoryWorkQueue.builder("inference").build()) {
      new Metrics().run(queue);
    }
  }
}
