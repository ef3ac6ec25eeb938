package dev.forebay.queue.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetterFilter;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryStore;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.Backoff;
import dev.forebay.queue.policy.Jitter;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.policy.ThrottledException;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import dev.forebay.queue.time.ManualTimeSource;
import dev.forebay.queue.worker.BreakerState;
import dev.forebay.queue.worker.HandlerContext;
import dev.forebay.queue.worker.TypeBreaker;
import dev.forebay.queue.worker.Worker;
import dev.forebay.queue.worker.WorkerBuilder;
import dev.forebay.queue.worker.WorkerListener;
import dev.forebay.queue.worker.WorkerStats;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The whole way to the slow lane and back, with a worker on queues in memory (W4). */
class SlowLaneTest {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final RetryPolicy RETRY =
      RetryPolicy.backoff(
              Backoff.exponential(Duration.ofSeconds(1), Duration.ofSeconds(4)).jitter(Jitter.NONE))
          .maxAttempts(3)
          .poison(IllegalArgumentException.class);

  private final ManualTimeSource time = new ManualTimeSource();
  private final InMemoryStore store = new InMemoryStore(time);
  private final InMemoryWorkQueue queue = InMemoryWorkQueue.builder("prompts").store(store).build();
  private final InMemoryWorkQueue slow =
      InMemoryWorkQueue.builder("prompts-slow").store(store).build();
  private final CircuitBreakers breakers = CircuitBreakers.builder().time(time).build();
  private final AtomicBoolean broken = new AtomicBoolean(true);
  private final Set<String> done = ConcurrentHashMap.newKeySet();
  private final List<String> states = new CopyOnWriteArrayList<>();

  private void enqueue(String type, String prefix, int count) {
    for (int i = 0; i < count; i++) {
      queue.enqueue(Message.text(prefix + i).type(type)).join().orThrow();
    }
  }

  private WorkerBuilder worker(WorkQueue on) {
    return Worker.builder(on)
        .time(time)
        .retry(RETRY)
        .grace(Duration.ZERO)
        .listener(
            new WorkerListener() {
              @Override
              public void breakerChanged(String type, BreakerState state) {
                states.add(type + " " + state);
              }
            });
  }

  private WorkerBuilder main() {
    return worker(queue).handler(this::handle);
  }

  private void handle(Delivery delivery, HandlerContext context) {
    if (broken.get() && delivery.message().type().orElse("").equals("summary")) {
      throw new IllegalStateException("The model for summaries is gone.");
    }
    done.add(delivery.message().text());
  }

  private static void awaitStats(Worker worker, Predicate<WorkerStats> expected) {
    await()
        .atMost(LIMIT)
        .untilAsserted(() -> assertThat(worker.stats()).matches(expected, "as expected"));
  }

  private void awaitDelayed(long messages) {
    await().atMost(LIMIT).until(() -> queue.depth().delayed().orElseThrow() == messages);
  }

  private static String[] texts(String prefix, int count) {
    return IntStream.range(0, count).mapToObj(i -> prefix + i).toArray(String[]::new);
  }

  @Test
  void W4_aFailingTypeGoesToTheSlowLaneIsProbedAndComesBack() {
    enqueue("summary", "s", 5);
    enqueue("chat", "c", 3);
    try (Worker worker = main().breaker(breakers, slow).start()) {
      awaitStats(worker, stats -> stats.failed() == 5 && stats.handled() == 3);
      awaitDelayed(5);
      assertThat(breakers.state("summary")).isEqualTo(BreakerState.OPEN);
      // What failed comes back after its backoff and goes the same way as what is new.
      time.advance(Duration.ofSeconds(1));
      enqueue("summary", "n", 4);
      awaitStats(worker, stats -> stats.diverted() == 9);
      assertThat(worker.stats().failed()).as("no attempt failed meanwhile").isEqualTo(5);
      assertThat(slow.depth().visible()).hasValue(9);
      assertThat(slow.poll(9, Duration.ZERO))
          .allSatisfy(
              delivery -> {
                assertThat(delivery.attempts()).isEqualTo(Attempts.NONE);
                assertThat(delivery.message().header(TypeBreaker.CAUSE_HEADER))
                    .contains("breaker open for type summary");
                assertThat(delivery.message().header(TypeBreaker.ORIGIN_HEADER))
                    .contains("prompts");
                delivery.release(Duration.ZERO).join();
              });

      time.advance(Duration.ofSeconds(31));
      enqueue("summary", "p", 1);
      awaitStats(worker, stats -> stats.failed() == 6);
      assertThat(breakers.state("summary")).as("the probe failed").isEqualTo(BreakerState.OPEN);
      awaitDelayed(1);

      // It comes back long before the next probe is due.
      time.advance(Duration.ofSeconds(1));
      awaitStats(worker, stats -> stats.diverted() == 10);

      broken.set(false);
      time.advance(Duration.ofSeconds(31));
      enqueue("summary", "q", 1);
      awaitStats(worker, stats -> stats.handled() == 4);
      assertThat(breakers.state("summary")).isEqualTo(BreakerState.CLOSED);
      enqueue("summary", "l", 10);
      awaitStats(worker, stats -> stats.handled() == 14);
      assertThat(worker.stats().diverted()).isEqualTo(10);
    }
    assertThat(states)
        .containsExactly(
            "summary OPEN",
            "summary HALF_OPEN",
            "summary OPEN",
            "summary HALF_OPEN",
            "summary CLOSED");
    try (Worker slowWorker = worker(slow).handler(this::handle).start()) {
      awaitStats(slowWorker, stats -> stats.handled() == 10);
    }
    assertThat(done)
        .hasSize(5 + 3 + 4 + 1 + 1 + 10)
        .contains(texts("s", 5))
        .contains(texts("n", 4))
        .contains(texts("p", 1));
    assertThat(queue.depth().backlog() + slow.depth().backlog()).isZero();
  }

  @Test
  void W4_whileTheSlowLaneIsDownNothingIsLostAndNoAttemptIsBurnt() {
    AtomicBoolean down = new AtomicBoolean(true);
    WorkQueue lane =
        new ForwardingWorkQueue(slow) {
          @Override
          public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
            return down.get()
                ? CompletableFuture.completedFuture(
                    new EnqueueOutcome.Failed(ErrorCode.UNAVAILABLE, "made up", null))
                : super.enqueue(message);
          }
        };
    enqueue("summary", "s", 5);
    try (Worker worker = main().breaker(breakers, lane).start()) {
      awaitStats(worker, stats -> stats.failed() == 5);
      awaitDelayed(5);
      enqueue("summary", "n", 3);
      for (int i = 0; i < 4; i++) {
        awaitDelayed(8);
        time.advance(Duration.ofSeconds(5));
      }
      awaitDelayed(8);
      assertThat(worker.stats().failed()).isEqualTo(5);
      assertThat(worker.stats().deadLettered()).isZero();
      down.set(false);
      time.advance(Duration.ofSeconds(5));
      awaitStats(worker, stats -> stats.diverted() == 8);
    }
    broken.set(false);
    try (Worker slowWorker = worker(slow).handler(this::handle).start()) {
      awaitStats(slowWorker, stats -> stats.handled() == 8);
    }
    assertThat(done).hasSize(8);
  }

  @Test
  void W4_lanesThatLeadToEachOtherMakeNoLoop() {
    int messages = 20;
    enqueue("summary", "s", messages);
    try (Worker fast = main().slots(4).breaker(breakers, slow).start();
        Worker back =
            worker(slow).slots(4).handler(this::handle).breaker(breakers, queue).start()) {
      await()
          .atMost(LIMIT)
          .until(
              () -> {
                time.advance(Duration.ofSeconds(1));
                return queue.depth().backlog() + slow.depth().backlog() == 0
                    && fast.stats().running() + back.stats().running() == 0;
              });
      assertThat(back.stats().diverted()).as("nothing is sent back").isZero();
      assertThat(fast.stats().diverted()).isBetween(1L, (long) messages);
      long dead = count(queue) + count(slow);
      assertThat(dead).as("all failed to the end, each once").isEqualTo(messages);
      assertThat(done).isEmpty();
    }
  }

  private static long count(WorkQueue of) {
    return of.deadLetters().list(DeadLetterFilter.all()).items().size();
  }

  @Test
  void W4_throttlingPoisonAndReturnsDoNotOpenIt() {
    enqueue("throttled", "t", 8);
    enqueue("poison", "p", 8);
    try (Worker worker =
        worker(queue)
            .handler(
                (delivery, context) -> {
                  if (delivery.message().type().orElse("").equals("poison")) {
                    throw new IllegalArgumentException("no prompt");
                  }
                  throw new ThrottledException("429", Duration.ofHours(1));
                })
            .breaker(breakers, slow)
            .start()) {
      awaitStats(worker, stats -> stats.throttled() == 8 && stats.deadLettered() == 8);
      assertThat(worker.stats().diverted()).isZero();
      assertThat(breakers.size()).isZero();
    }
  }

  @Test
  void W4_lostLeasesAndAClosingWorkerDoNotOpenIt() throws Exception {
    enqueue("chat", "c", 6);
    CountDownLatch lost = new CountDownLatch(6);
    Worker worker =
        worker(queue)
            .slots(6)
            .leases(LeasePolicy.defaults().maxRunTime(Duration.ofMinutes(1)))
            .handler(
                (delivery, context) -> {
                  try {
                    new CountDownLatch(1).await();
                  } finally {
                    lost.countDown();
                  }
                })
            .breaker(breakers, slow)
            .start();
    awaitStats(worker, stats -> stats.running() == 6);
    await()
        .atMost(LIMIT)
        .until(
            () -> {
              time.advance(Duration.ofSeconds(1));
              return worker.stats().leaseLost() >= 6;
            });
    lost.await();
    assertThat(breakers.size()).isZero();
    // Its grace time ends by the same clock.
    Thread closer = new Thread(worker::close);
    closer.start();
    await()
        .atMost(LIMIT)
        .until(
            () -> {
              time.advance(Duration.ofSeconds(1));
              return !closer.isAlive();
            });
    assertThat(breakers.size()).as("cut short").isZero();
    assertThat(worker.stats().diverted()).isZero();
    assertThat(worker.stats().failed()).isZero();
  }
}
