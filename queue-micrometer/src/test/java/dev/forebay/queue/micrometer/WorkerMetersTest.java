package dev.forebay.queue.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.dedup.DedupOptions;
import dev.forebay.queue.dedup.InMemoryDedupStore;
import dev.forebay.queue.memory.InMemoryStore;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.worker.BreakerState;
import dev.forebay.queue.worker.ConcurrencyLimit;
import dev.forebay.queue.worker.Gate;
import dev.forebay.queue.worker.Worker;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** W7: what a worker does shows in its meters, and no label grows without bound. */
class WorkerMetersTest {

  private static final Duration LIMIT = Duration.ofSeconds(30);

  private final MeterRegistry registry = new SimpleMeterRegistry();
  private final WorkerMeters meters =
      WorkerMeters.builder(registry, "prompts").acceptableAge(Duration.ofSeconds(10)).build();
  private final InMemoryStore store = new InMemoryStore();
  private final WorkQueue queue = InMemoryWorkQueue.builder("prompts").store(store).build();

  private double counter(String name, String... tags) {
    return registry
        .get("forebay.worker." + name)
        .tags("queue", "prompts")
        .tags(tags)
        .counter()
        .count();
  }

  private double gauge(String name, String... tags) {
    return registry
        .get("forebay.worker." + name)
        .tags("queue", "prompts")
        .tags(tags)
        .gauge()
        .value();
  }

  private Timer timer(String name, String... tags) {
    return registry.get("forebay.worker." + name).tags("queue", "prompts").tags(tags).timer();
  }

  @Test
  void W7_handledFailedDeadLetteredAndDuplicatesAreCounted() {
    queue.enqueue(Message.text("good").type("chat")).join().orThrow();
    queue.enqueue(Message.text("bad").type("chat")).join().orThrow();
    try (Worker worker =
        Worker.builder(queue)
            .listener(meters)
            .retry(
                RetryPolicy.exponential(Duration.ofMillis(1), Duration.ofMillis(1)).maxAttempts(2))
            .dedup(
                InMemoryDedupStore.create(),
                DedupOptions.defaults().key(delivery -> DedupKey.of(delivery.message().text())))
            .handler(
                (delivery, context) -> {
                  if (delivery.message().text().equals("bad")) {
                    throw new IllegalStateException("made up");
                  }
                })
            .start()) {
      await().atMost(LIMIT).until(() -> worker.stats().deadLettered() == 1);
      await().atMost(LIMIT).until(() -> worker.stats().handled() == 1);
      queue.enqueue(Message.text("good").type("chat")).join().orThrow();
      await().atMost(LIMIT).until(() -> worker.stats().duplicates() == 1);
    }
    assertThat(counter("received")).isEqualTo(4);
    assertThat(timer("handler", "type", "chat", "end", "done").count()).isEqualTo(1);
    assertThat(timer("handler", "type", "chat", "end", "failed").count()).isEqualTo(2);
    assertThat(timer("message.age", "type", "chat").count()).isEqualTo(3);
    assertThat(timer("queue.to.start", "type", "chat").count()).isEqualTo(3);
    assertThat(counter("acked")).as("the good one and its duplicate").isEqualTo(2);
    assertThat(counter("retried")).isEqualTo(1);
    assertThat(counter("dead.lettered", "cause", IllegalStateException.class.getSimpleName()))
        .isEqualTo(1);
    assertThat(counter("skipped", "reason", "duplicate")).isEqualTo(1);
    assertThat(counter("duplicates", "work", "finished")).isEqualTo(1);
    assertThat(counter("leases.lost")).isZero();
    assertThat(counter("wasted")).isZero();
  }

  @Test
  void W7_typesBeyondTheBoundAreOther() {
    WorkerMeters bounded = WorkerMeters.builder(registry, "prompts").maxLabels(3).build();
    int types = 50;
    for (int i = 0; i < types; i++) {
      queue.enqueue(Message.text("m").type("type " + i)).join().orThrow();
    }
    try (Worker worker =
        Worker.builder(queue).listener(bounded).handler((delivery, context) -> {}).start()) {
      await().atMost(LIMIT).until(() -> worker.stats().handled() == types);
    }
    Set<String> labels =
        registry.find("forebay.worker.handler").timers().stream()
            .flatMap(timer -> timer.getId().getTags().stream())
            .filter(tag -> tag.getKey().equals("type"))
            .map(Tag::getValue)
            .collect(Collectors.toSet());
    assertThat(labels).hasSize(4).contains("other");
    assertThat(timer("handler", "type", "other", "end", "done").count()).isEqualTo(types - 3);
  }

  @Test
  void W7_attemptsAreToldApartByHowTheyEnded() {
    queue.enqueue(Message.text("m")).join().orThrow();
    Delivery first = queue.poll(Duration.ZERO).orElseThrow();
    first.giveBack().join();
    try (Worker worker =
        Worker.builder(queue)
            .listener(meters)
            .retry(RetryPolicy.exponential(Duration.ofMillis(1), Duration.ofMillis(1)))
            .handler(
                (delivery, context) -> {
                  if (context.attempt() < 3) {
                    throw new IllegalStateException("made up");
                  }
                })
            .start()) {
      await().atMost(LIMIT).until(() -> worker.stats().handled() == 1);
    }
    assertThat(attempts("failed").count()).isEqualTo(3);
    assertThat(attempts("failed").totalAmount()).as("0, 1 and 2 before").isEqualTo(3);
    assertThat(attempts("returned").totalAmount()).as("1 each time").isEqualTo(3);
    assertThat(attempts("lease_lost").totalAmount()).isZero();
    assertThat(registry.find("forebay.worker.attempts").meters()).hasSize(3);
  }

  private DistributionSummary attempts(String cause) {
    return registry
        .get("forebay.worker.attempts")
        .tags("queue", "prompts", "cause", cause)
        .summary();
  }

  @Test
  void W7_breakersAndGatesShowByNumber() {
    meters.breakerChanged("", BreakerState.OPEN);
    assertThat(gauge("breaker", "type", "none")).isEqualTo(2);
    meters.breakerChanged("chat", BreakerState.OPEN);
    assertThat(gauge("breaker", "type", "chat")).isEqualTo(2);
    meters.breakerChanged("chat", BreakerState.HALF_OPEN);
    assertThat(gauge("breaker", "type", "chat")).isEqualTo(1);
    meters.breakerChanged("chat", BreakerState.CLOSED);
    assertThat(gauge("breaker", "type", "chat")).isZero();
  }

  @Test
  void W7_gatesAndTheLimitOfAWorkerShow() {
    ConcurrencyLimit shadow =
        new ConcurrencyLimit() {
          @Override
          public int limit() {
            return Integer.MAX_VALUE;
          }

          @Override
          public int estimate() {
            return 3;
          }

          @Override
          public void ended(Duration ran, int running, boolean dropped) {}
        };
    Gate loading = Gate.closed();
    try (Worker worker =
        Worker.builder(queue)
            .slots(8)
            .gate("model", loading)
            .concurrencyLimit(shadow)
            .listener(meters)
            .handler((delivery, context) -> {})
            .start()) {
      meters.bind(worker);
      assertThat(gauge("limit")).isEqualTo(8);
      assertThat(gauge("limit.estimate")).isEqualTo(3);
      assertThat(gauge("gate", "gate", "model")).isZero();
      assertThat(gauge("gate", "gate", "paused")).isEqualTo(1);
      loading.open();
      worker.pause();
      assertThat(gauge("gate", "gate", "model")).isEqualTo(1);
      assertThat(gauge("gate", "gate", "paused")).isZero();
      await().atMost(LIMIT).until(() -> gauge("intake.stopped") == 1);
      worker.resume();
      await().atMost(LIMIT).until(() -> gauge("intake.stopped") == 0);
    }
  }
}
