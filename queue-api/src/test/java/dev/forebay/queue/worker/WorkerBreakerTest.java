package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.ThrottledException;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;

/** Messages of a type that keeps failing go to the slow lane, and none is lost (W4). */
class WorkerBreakerTest {

  private final Rig rig = new Rig();
  private final InMemoryWorkQueue slow =
      InMemoryWorkQueue.builder(rig.name + "-slow").store(rig.store).build();
  private final Threshold breaker = new Threshold();
  private final List<String> heard = new CopyOnWriteArrayList<>();

  /** Open for a type from the second failure on until told otherwise. */
  private static final class Threshold implements TypeBreaker {
    final Map<String, AtomicInteger> failures = new ConcurrentHashMap<>();
    final AtomicInteger balance = new AtomicInteger();
    final List<BiConsumer<String, BreakerState>> listeners = new CopyOnWriteArrayList<>();

    private AtomicInteger of(String type) {
      return failures.computeIfAbsent(type, none -> new AtomicInteger());
    }

    @Override
    public boolean tryStart(String type) {
      boolean go = of(type).get() < 2;
      balance.addAndGet(go ? 1 : 0);
      return go;
    }

    @Override
    public void succeeded(String type, Duration ran) {
      balance.decrementAndGet();
      of(type).set(0);
    }

    @Override
    public void failed(String type, Duration ran) {
      balance.decrementAndGet();
      if (of(type).incrementAndGet() == 2) {
        listeners.forEach(listener -> listener.accept(type, BreakerState.OPEN));
      }
    }

    @Override
    public void cancelled(String type, Duration ago) {
      balance.decrementAndGet();
    }

    @Override
    public BreakerState state(String type) {
      return of(type).get() < 2 ? BreakerState.CLOSED : BreakerState.OPEN;
    }

    @Override
    public void onChange(BiConsumer<String, BreakerState> listener) {
      listeners.add(listener);
    }

    @Override
    public void forget(BiConsumer<String, BreakerState> listener) {
      listeners.remove(listener);
    }
  }

  private void enqueue(String type, String text) {
    rig.queue.enqueue(Message.text(text).type(type).key("key of " + text)).join().orThrow();
  }

  private WorkerBuilder worker() {
    return rig.worker()
        .listener(
            new WorkerListener() {
              @Override
              public void breakerChanged(String type, BreakerState state) {
                heard.add(type + " " + state);
              }

              @Override
              public void skipped(Delivery delivery, SkipReason why) {
                heard.add(delivery.message().text() + " " + why);
              }
            })
        .handler(
            (delivery, context) -> {
              if (delivery.message().text().startsWith("bad")) {
                throw new IOException("CUDA error");
              }
              if (delivery.message().text().startsWith("busy")) {
                throw new ThrottledException("429", Duration.ofHours(1));
              }
            });
  }

  @Test
  void W4_afterTheFailuresMessagesOfThatTypeGoToTheSlowLaneWithTheCause() {
    enqueue("summarise", "bad 1");
    enqueue("summarise", "bad 2");
    enqueue("summarise", "good 3");
    enqueue("translate", "good 4");
    try (Worker worker = worker().breaker(breaker, slow).start()) {
      rig.awaitStats(
          worker, stats -> stats.diverted() == 1 && stats.handled() == 1 && stats.running() == 0);
      rig.awaitDepth(0, 0, 2);
      assertThat(heard).containsExactly("summarise OPEN", "good 3 DIVERTED");
      Delivery diverted = slow.poll(Duration.ZERO).orElseThrow();
      assertThat(diverted.message().text()).isEqualTo("good 3");
      assertThat(diverted.message().type()).contains("summarise");
      assertThat(diverted.message().key()).contains("key of good 3");
      assertThat(diverted.message().header(TypeBreaker.CAUSE_HEADER).orElseThrow())
          .contains("summarise");
      assertThat(diverted.message().header(TypeBreaker.ORIGIN_HEADER)).contains(rig.name);
      // The failed ones come back after their backoff and are diverted too.
      rig.advance(Duration.ofSeconds(1));
      rig.awaitStats(worker, stats -> stats.diverted() == 3);
      rig.awaitDepth(0, 0, 0);
      breaker.failures.clear();
      enqueue("summarise", "good 5");
      rig.awaitStats(worker, stats -> stats.handled() == 2);
      assertThat(breaker.balance).as("every start has an end").hasValue(0);
    }
  }

  @Test
  void W4_whenTheSlowLaneIsDownNothingIsLostAndNoAttemptIsBurnt() {
    AtomicBoolean down = new AtomicBoolean(true);
    AtomicInteger calls = new AtomicInteger();
    ForwardingWorkQueue lane =
        new ForwardingWorkQueue(slow) {
          @Override
          public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
            if (!down.get()) {
              return super.enqueue(message);
            }
            return switch (calls.incrementAndGet() % 3) {
              case 0 ->
                  CompletableFuture.completedFuture(
                      new EnqueueOutcome.Failed(ErrorCode.UNAVAILABLE, "made up", null));
              case 1 -> CompletableFuture.failedFuture(new IllegalStateException("made up"));
              default -> throw new IllegalStateException("made up");
            };
          }
        };
    breaker.of("t").set(2);
    enqueue("t", "a");
    enqueue("t", "b");
    enqueue("t", "c");
    try (Worker worker = worker().breaker(breaker, lane).start()) {
      Rig.eventually("refused", () -> worker.stats().returned() == 3);
      rig.awaitDepth(0, 0, 3);
      down.set(false);
      rig.advance(Duration.ofSeconds(5));
      rig.awaitStats(worker, stats -> stats.diverted() == 3);
      rig.awaitDepth(0, 0, 0);
      assertThat(slow.depth().visible()).hasValue(3);
      assertThat(worker.stats().failed()).isZero();
      assertThat(heard).contains("a SLOW_LANE_DOWN", "a DIVERTED");
    }
  }

  @Test
  void W4_aMessageWithManyHeadersIsDivertedWithoutItsCauseOrRunsHere() {
    breaker.of("t").set(2);
    int most = slow.capabilities().maxHeaders();
    for (int left = 0; left < 3; left++) {
      Message message = Message.text(left + " left").type("t");
      for (int i = 0; i < most - left; i++) {
        message = message.header("h" + i, "v");
      }
      rig.queue.enqueue(message).join().orThrow();
    }
    try (Worker worker = worker().breaker(breaker, slow).start()) {
      rig.awaitStats(worker, stats -> stats.diverted() == 2 && stats.handled() == 1);
      rig.awaitStats(worker, stats -> stats.running() == 0);
      rig.awaitDepth(0, 0, 0);
      assertThat(heard).containsExactlyInAnyOrder("1 left DIVERTED", "2 left DIVERTED");
      for (Delivery diverted : slow.poll(3, Duration.ZERO)) {
        boolean room = diverted.message().text().equals("2 left");
        assertThat(diverted.message().headers())
            .hasSize(most)
            .containsEntry(TypeBreaker.ORIGIN_HEADER, rig.name);
        assertThat(diverted.message().headers().containsKey(TypeBreaker.CAUSE_HEADER))
            .isEqualTo(room);
      }
      assertThat(breaker.balance).hasValue(0);
      assertThat(breaker.of("t")).as("it does not count").hasValue(2);
    }
  }

  @Test
  void W4_aMessageThatTheSlowLaneCanNeverTakeRunsHere() {
    breaker.of("t").set(2);
    AtomicInteger asked = new AtomicInteger();
    ForwardingWorkQueue lane =
        new ForwardingWorkQueue(slow) {
          @Override
          public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
            return asked.incrementAndGet() == 1
                ? CompletableFuture.completedFuture(
                    new EnqueueOutcome.Failed(ErrorCode.INVALID_MESSAGE, "made up: too large"))
                : CompletableFuture.failedFuture(
                    new QueueException(ErrorCode.UNSUPPORTED, "made up"));
          }
        };
    enqueue("t", "a");
    enqueue("t", "b");
    try (Worker worker = worker().breaker(breaker, lane).start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 2 && stats.running() == 0);
      rig.awaitDepth(0, 0, 0);
      assertThat(worker.stats().returned()).isZero();
      assertThat(breaker.balance).hasValue(0);
    }
  }

  @Test
  void W4_throttlingAndGivingBackDoNotCount() {
    enqueue("t", "busy 1");
    enqueue("t", "busy 2");
    enqueue("t", "good");
    try (Worker worker = worker().breaker(breaker, slow).start()) {
      rig.awaitStats(worker, stats -> stats.throttled() == 2 && stats.handled() == 1);
      assertThat(breaker.state("t")).isEqualTo(BreakerState.CLOSED);
      assertThat(breaker.balance).hasValue(0);
    }
  }

  @Test
  void W4_aSlowLaneThatLeadsBackMakesNoLoop() {
    breaker.of("t").set(2);
    enqueue("t", "bad");
    // The worst there is: the slow lane is the queue itself.
    try (Worker worker = worker().breaker(breaker, rig.queue).start()) {
      rig.awaitStats(worker, stats -> stats.diverted() == 1 && stats.failed() == 1);
      Rig.eventually(
          "dead-lettered",
          () -> {
            rig.advance(Duration.ofSeconds(1));
            return worker.stats().deadLettered() == 1;
          });
      assertThat(worker.stats().failed()).isEqualTo(3);
      rig.awaitDepth(0, 0, 0);
      assertThat(worker.stats().diverted()).as("diverted once").isEqualTo(1);
      assertThat(breaker.of("t")).as("it does not count").hasValue(2);
      assertThat(breaker.balance).hasValue(0);
    }
  }

  @Test
  void W4_whereAReturnBurnsAnAttemptTheMessageWaitsForTheSlowLaneInTheWorker() {
    WorkQueue costly =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public Capabilities capabilities() {
            return Capabilities.builder("costly")
                .lease(Duration.ofMillis(1), Duration.ofHours(12))
                .attempts(Capabilities.AttemptPrecision.EXACT, false)
                .build();
          }
        };
    AtomicInteger calls = new AtomicInteger();
    ForwardingWorkQueue lane =
        new ForwardingWorkQueue(slow) {
          @Override
          public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
            return calls.incrementAndGet() <= 3
                ? CompletableFuture.failedFuture(new IllegalStateException("made up"))
                : super.enqueue(message);
          }
        };
    breaker.of("t").set(2);
    enqueue("t", "a");
    try (Worker worker =
        rig.worker(costly).handler((delivery, context) -> {}).breaker(breaker, lane).start()) {
      for (int refusal = 1; refusal <= 3; refusal++) {
        int refused = refusal;
        Rig.eventually("refused", () -> calls.get() == refused);
        rig.awaitDepth(0, 1, 0);
        Rig.eventually("waits", () -> rig.time.pendingTimers() > 0);
        rig.advanceInSteps(Duration.ofSeconds(5), Duration.ofSeconds(1));
      }
      rig.awaitStats(worker, stats -> stats.diverted() == 1 && stats.running() == 0);
      assertThat(worker.stats().returned()).isZero();
      rig.awaitDepth(0, 0, 0);
      assertThat(slow.depth().visible()).hasValue(1);
    }
  }

  @Test
  void W4_aSlowLaneThatDoesNotAnswerKeepsNoSlot() {
    List<CompletableFuture<EnqueueOutcome>> asked = new CopyOnWriteArrayList<>();
    ForwardingWorkQueue lane =
        new ForwardingWorkQueue(slow) {
          @Override
          public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
            CompletableFuture<EnqueueOutcome> never = new CompletableFuture<>();
            asked.add(never);
            return never;
          }
        };
    breaker.of("t").set(2);
    enqueue("t", "a");
    enqueue("other", "b");
    try (Worker worker = worker().slots(1).breaker(breaker, lane).start()) {
      Rig.eventually("asked", () -> asked.size() == 1);
      rig.awaitDepth(1, 1, 0);
      rig.advanceInSteps(Duration.ofSeconds(30), Duration.ofSeconds(1));
      rig.awaitStats(worker, stats -> stats.returned() == 1 && stats.handled() == 1);
      assertThat(heard).contains("a SLOW_LANE_DOWN");
      asked.get(0).complete(new EnqueueOutcome.Enqueued("late"));
      rig.awaitDepth(0, 0, 1);
    }
  }

  @Test
  void W4_aClosedWorkerListensNoMore() {
    Worker worker = worker().breaker(breaker, slow).start();
    assertThat(breaker.listeners).hasSize(1);
    worker.close();
    assertThat(breaker.listeners).isEmpty();
  }
}
