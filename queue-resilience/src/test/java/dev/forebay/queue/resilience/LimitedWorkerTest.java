package dev.forebay.queue.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.memory.InMemoryStore;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.ThrottledException;
import dev.forebay.queue.time.ManualTimeSource;
import dev.forebay.queue.worker.HandlerContext;
import dev.forebay.queue.worker.Worker;
import dev.forebay.queue.worker.WorkerListener;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A worker beside a downstream that refuses what is beyond its capacity (W6). */
class LimitedWorkerTest {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final int SLOTS = 8;
  private static final int CAPACITY = 3;
  private static final int MESSAGES = 120;

  private final ManualTimeSource time = new ManualTimeSource();
  private final InMemoryWorkQueue queue =
      InMemoryWorkQueue.builder("prompts").store(new InMemoryStore(time)).build();
  private final AtomicInteger inside = new AtomicInteger();
  private final Semaphore answers = new Semaphore(0);
  private final List<Integer> estimates = new CopyOnWriteArrayList<>();

  private void call(Delivery delivery, HandlerContext context) throws InterruptedException {
    int now = inside.incrementAndGet();
    try {
      if (now > CAPACITY) {
        throw new ThrottledException("429", Duration.ofSeconds(1));
      }
      answers.acquire();
    } finally {
      inside.decrementAndGet();
    }
  }

  private Worker start(AdaptiveLimit limit) {
    for (int i = 0; i < MESSAGES; i++) {
      queue.enqueue(Message.text("m" + i)).join().orThrow();
    }
    return Worker.builder(queue)
        .time(time)
        .slots(SLOTS)
        .concurrencyLimit(limit)
        .listener(
            new WorkerListener() {
              @Override
              public void limitChanged(int estimate) {
                estimates.add(estimate);
              }
            })
        .handler(this::call)
        .start();
  }

  private void finish(Worker worker) {
    answers.release(MESSAGES);
    await()
        .atMost(LIMIT)
        .until(
            () -> {
              time.advance(Duration.ofSeconds(1));
              return worker.stats().handled() == MESSAGES;
            });
    assertThat(worker.stats().failed()).as("no attempt is burnt").isZero();
    assertThat(worker.stats().deadLettered()).isZero();
    assertThat(queue.depth().backlog()).isZero();
  }

  @Test
  void W6_theWorkerComesDownToWhatTheDownstreamTakes() {
    AdaptiveLimit limit = AdaptiveLimit.aimd(SLOTS).initial(SLOTS).build();
    try (Worker worker = start(limit)) {
      // Those inside do not end, so each round is one of refusals, until no more are let in.
      await().atMost(LIMIT).until(() -> limit.limit() == CAPACITY && inside.get() == CAPACITY);
      assertThat(worker.stats().throttled()).isLessThan(60);
      await().atMost(LIMIT).until(() -> estimates.contains(CAPACITY));
      finish(worker);
    }
  }

  @Test
  void W6_inTheShadowTheWorkerGoesOnWithAllItsSlots() {
    AdaptiveLimit limit = AdaptiveLimit.aimd(SLOTS).initial(SLOTS).shadow().build();
    try (Worker worker = start(limit)) {
      await()
          .atMost(LIMIT)
          .until(
              () -> worker.stats().throttled() == MESSAGES - CAPACITY && inside.get() == CAPACITY);
      assertThat(limit.estimate()).as("what it would have done").isLessThanOrEqualTo(CAPACITY);
      assertThat(estimates).isNotEmpty();
      assertThat(limit.limit()).isGreaterThan(SLOTS);
      finish(worker);
    }
  }
}
