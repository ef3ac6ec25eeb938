package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.dedup.DedupOptions;
import dev.forebay.queue.dedup.DedupStore;
import dev.forebay.queue.dedup.InMemoryDedupStore;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.worker.Handler;
import dev.forebay.queue.worker.HandlerContext;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What the tests of processing dedup share: a store, a worker, and lists of what ran and what did
 * not. Used by the thread of its test; the lists are thread-safe.
 */
final class DedupBench implements AutoCloseable {

  private static final Duration GRACE = Duration.ofSeconds(5);

  private final Trial trial;
  private @Nullable Worker worker;
  final InMemoryDedupStore store;
  final List<String> ran = new CopyOnWriteArrayList<>();
  final List<String> duplicates = new CopyOnWriteArrayList<>();

  DedupBench(Trial trial) {
    this.trial = trial;
    store = InMemoryDedupStore.builder().time(trial.timing().source()).build();
  }

  /** Starts the worker. */
  Worker work(WorkQueue queue, int slots, DedupStore with, Handler<Delivery> handler) {
    Worker started =
        Worker.builder(queue)
            .slots(slots)
            .time(trial.timing().source())
            .grace(GRACE)
            .retry(RetryPolicy.exponential(Duration.ofMillis(100), Duration.ofMillis(100)))
            .dedup(
                with,
                DedupOptions.defaults()
                    .key(delivery -> DedupKey.of(delivery.message().text()))
                    .duplicates((delivery, result) -> duplicates.add(delivery.message().text())))
            .handler(handler)
            .start();
    worker = started;
    return started;
  }

  /** Closes the worker, which on a queue that is wrong may need all its time. Idempotent. */
  void stop() {
    Worker started = worker;
    if (started != null) {
      Background.start(
              trial.timing(),
              "close",
              () -> {
                started.close();
                return true;
              })
          .result(GRACE.plusSeconds(2).plus(trial.timing().tolerance()));
    }
  }

  void note(Delivery delivery, HandlerContext context) {
    ran.add(delivery.message().text() + " " + context.attempt());
  }

  void until(String what, BooleanSupplier condition) {
    assertThat(trial.timing().await(condition)).as(what).isTrue();
  }

  @Override
  public void close() {
    stop();
  }
}
