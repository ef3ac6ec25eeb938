package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.Backoff;
import dev.forebay.queue.policy.Jitter;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.worker.BatchItem;
import dev.forebay.queue.worker.BatchOptions;
import dev.forebay.queue.worker.Outcome;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** W3: a worker that handles several messages of the backend at once. */
public interface BatchRules {

  /**
   * Each message of a batch is settled as was decided for it; one that cannot be handled fails
   * alone, and the others are done at their first attempt.
   */
  @Test
  default void W3_batch_settlesEachOnItsOwn_poisonFailsAlone(Trial trial) {
    WorkQueue queue = trial.open();
    Duration soon = Duration.ofMillis(200);
    AtomicInteger largest = new AtomicInteger();
    List<String> ended = new CopyOnWriteArrayList<>();
    Worker worker =
        trial.start(
            Worker.builder(queue)
                .retry(
                    RetryPolicy.backoff(Backoff.exponential(soon, soon).jitter(Jitter.NONE))
                        .maxAttempts(4))
                .batches(
                    // Four come each time, so nobody waits for the linger.
                    BatchOptions.of(4).linger(trial.timing().arrival()),
                    items -> {
                      largest.accumulateAndGet(items.size(), Math::max);
                      if (items.stream().anyMatch(item -> isFirst(item, "poison"))) {
                        throw new IllegalStateException("it cannot be handled yet");
                      }
                      for (BatchItem<Delivery> item : items) {
                        ended.add(run(item));
                        if (isFirst(item, "again")) {
                          item.decide(Outcome.retry());
                        }
                      }
                    }));
    enqueue(trial, queue, "a", "poison", "b", "again");
    assertThat(Runs.goOn(trial, queue, worker, () -> ended.size() >= 3))
        .as("the first batch ends; so far: %s", ended)
        .isTrue();
    enqueue(trial, queue, "c", "d");
    assertThat(Runs.goOn(trial, queue, worker, () -> ended.size() >= 7))
        .as("all messages are handled; so far: %s", ended)
        .isTrue();
    trial.stopWorkers();
    assertThat(largest).as("messages of the largest batch").hasValue(4);
    assertThat(ended)
        .containsExactlyInAnyOrder("a 1", "b 1", "again 1", "again 2", "poison 2", "c 1", "d 1");
    trial.nothingArrives(queue, Duration.ofMillis(500));
  }

  /** The leases of messages that wait for a batch to fill are kept. */
  @Test
  default void W3_batchThatFills_keepsTheLeases(Trial trial) {
    Duration lease = trial.useShortLease();
    WorkQueue queue = trial.open();
    WorkQueue other = trial.open();
    List<String> ended = new CopyOnWriteArrayList<>();
    Worker worker =
        trial.start(
            Worker.builder(queue)
                .batches(
                    BatchOptions.of(10).linger(lease.plus(lease.dividedBy(2))),
                    items -> items.forEach(item -> ended.add(run(item)))));
    trial.enqueueMany(queue, 2);
    boolean manual = trial.timing().granularity().isZero();
    List<Delivery> strays = new ArrayList<>();
    assertThat(
            Runs.goOn(
                trial,
                queue,
                worker,
                () -> {
                  if (worker.stats().running() >= 2) {
                    strays.addAll(other.poll(2, manual ? Duration.ZERO : Duration.ofMillis(200)));
                  }
                  return ended.size() >= 2;
                }))
        .as("the messages are handled when the linger is over; so far: %s", ended)
        .isTrue();
    trial.stopWorkers();
    assertThat(strays).as("deliveries of messages that wait in a batch").isEmpty();
    assertThat(ended).containsExactlyInAnyOrder("message 0 1", "message 1 1");
    assertThat(worker.stats().leaseLost()).isZero();
    assertThat(trial.arrivals(List.of(queue, other), 2, trial.quiet())).isEmpty();
  }

  private static void enqueue(Trial trial, WorkQueue queue, String... texts) {
    trial.enqueueMany(queue, texts.length, i -> Message.text(texts[i]));
  }

  private static boolean isFirst(BatchItem<Delivery> item, String text) {
    return item.value().message().text().equals(text) && item.context().attempt() == 1;
  }

  private static String run(BatchItem<Delivery> item) {
    return item.value().message().text() + " " + item.context().attempt();
  }
}
