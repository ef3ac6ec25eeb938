package dev.forebay.queue.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class InMemoryWorkQueueTest {

  private final ManualTimeSource time = new ManualTimeSource();
  private final InMemoryStore store = new InMemoryStore(time, "t");

  @Test
  void relaxedKeyLetsLaterMessagesPassAFailingOneAndStillRunsOneAtATime() {
    try (WorkQueue queue = open().keyPolicy(KeyPolicy.RELAXED).build()) {
      enqueue(queue, "a", "b", "c");
      Delivery a = queue.poll(Duration.ZERO).orElseThrow();
      assertThat(queue.poll(Duration.ZERO)).as("one of the key at a time").isEmpty();
      a.release(Duration.ofSeconds(5));
      Delivery b = queue.poll(Duration.ZERO).orElseThrow();
      assertThat(b.message().text()).isEqualTo("b");
      time.advance(Duration.ofSeconds(5));
      assertThat(queue.poll(Duration.ZERO)).as("b still holds the key").isEmpty();
      b.ack();
      assertThat(drain(queue)).containsExactly("a", "c");
    }
  }

  @Test
  void strictKeyWaitsForADelayedFirstMessage() {
    try (WorkQueue queue = open().build()) {
      queue.enqueue(Message.text("a").key("k").delay(Duration.ofSeconds(5)));
      enqueue(queue, "b");
      assertThat(queue.poll(Duration.ZERO)).isEmpty();
      time.advance(Duration.ofSeconds(5));
      assertThat(drain(queue)).containsExactly("a", "b");
    }
  }

  @Test
  void fullQueueRefusesAndTakesAgainAfterAnAck() {
    try (WorkQueue queue = open().maxMessages(2).build()) {
      enqueue(queue, "a", "b");
      EnqueueOutcome refused = queue.enqueue(Message.text("c")).join();
      assertThat(refused)
          .isInstanceOfSatisfying(
              EnqueueOutcome.Failed.class,
              failed -> assertThat(failed.code()).isEqualTo(ErrorCode.OVERLOADED));
      queue.poll(Duration.ZERO).orElseThrow().ack();
      assertThat(queue.enqueue(Message.text("c")).join())
          .isInstanceOf(EnqueueOutcome.Enqueued.class);
    }
  }

  @Test
  void fullDeadLetterQueueKeepsTheSource() {
    try (WorkQueue queue = open().deadLetters("full").build();
        WorkQueue full =
            InMemoryWorkQueue.builder("full")
                .store(store)
                .maxMessages(0)
                .withoutDeadLetters()
                .build()) {
      enqueue(queue, "a");
      Delivery delivery = queue.poll(Duration.ZERO).orElseThrow();
      assertThat(delivery.deadLetter(new DeadLetterCause("X", "x")).join())
          .isEqualTo(Settlement.UNKNOWN);
      assertThat(full.poll(Duration.ZERO)).isEmpty();
      assertThat(drain(queue)).containsExactly("a");
    }
  }

  @Test
  void twoObjectsOnOneStoreMustAgreeOnItsSettings() {
    try (WorkQueue queue = open().build()) {
      assertThat(queue.capabilities().dedupWindow()).isEqualTo(Duration.ofMinutes(5));
      assertThatThrownBy(() -> open().dedupWindow(Duration.ZERO).build())
          .isInstanceOfSatisfying(
              QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.MISCONFIGURED));
    }
  }

  @Test
  void depthCountsEveryPlaceAMessageCanBeIn() {
    try (WorkQueue queue = open().build()) {
      enqueue(queue, "a", "b");
      queue.enqueue(Message.text("later").delay(Duration.ofMinutes(1)));
      queue.enqueue(Message.text("plain"));
      time.advance(Duration.ofSeconds(3));
      Delivery a = queue.poll(Duration.ZERO).orElseThrow();
      assertThat(queue.depth().inFlight()).hasValue(1);
      assertThat(queue.depth().visible()).as("b behind its key, and plain").hasValue(2);
      assertThat(queue.depth().delayed()).hasValue(1);
      assertThat(queue.depth().oldestAge()).contains(Duration.ofSeconds(3));
      a.ack();
      assertThat(queue.depth().backlog()).isEqualTo(3);
    }
  }

  @Test
  void S1_noTimerIsLeftBehindByAPollOrByClose() {
    InMemoryWorkQueue queue = open().build();
    queue.enqueue(Message.text("later").delay(Duration.ofDays(1)));
    Thread.currentThread().interrupt();
    assertThat(queue.poll(1, Duration.ofHours(1))).isEmpty();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(time.pendingTimers()).isZero();
    queue.close();
    assertThat(time.pendingTimers()).isZero();
  }

  @Test
  void onLostRunsOutsideTheQueuesLockSoItMaySettleOtherDeliveries() {
    try (WorkQueue queue = open().lease(Duration.ofSeconds(10)).build()) {
      queue.enqueue(Message.text("a"));
      queue.enqueue(Message.text("b"));
      Delivery a = queue.poll(Duration.ZERO).orElseThrow();
      time.advance(Duration.ofSeconds(1));
      Delivery b = queue.poll(Duration.ZERO).orElseThrow();
      List<Settlement> seen = new ArrayList<>();
      a.onLost(() -> seen.add(b.ack().join()));
      time.advance(Duration.ofSeconds(9));
      assertThat(seen).containsExactly(Settlement.OK);
      assertThat(a.isLost()).isTrue();
    }
  }

  @Test
  void everyMessageReachesExactlyOneOfManyThreads() throws Exception {
    int messages = 100_000;
    int threads = 16;
    Set<String> seen = ConcurrentHashMap.newKeySet();
    AtomicInteger handled = new AtomicInteger();
    ExecutorService pool = Executors.newFixedThreadPool(threads + 1);
    try (WorkQueue queue = InMemoryWorkQueue.builder("many").build()) {
      List<Future<?>> pollers = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        int max = 1 + i % 4;
        pollers.add(
            pool.submit(
                () -> {
                  while (handled.get() < messages) {
                    for (Delivery delivery : queue.poll(max, Duration.ofMillis(200))) {
                      seen.add(delivery.id());
                      handled.incrementAndGet();
                      assertThat(delivery.ack().join()).isEqualTo(Settlement.OK);
                    }
                  }
                }));
      }
      pollers.add(
          pool.submit(
              () -> {
                for (int i = 0; i < messages; i++) {
                  queue.enqueue(Message.text("m").key(i % 3 == 0 ? "k" + i % 100 : null));
                }
              }));
      for (Future<?> poller : pollers) {
        poller.get(60, TimeUnit.SECONDS);
      }
    } finally {
      pool.shutdownNow();
    }
    assertThat(handled).hasValue(messages);
    assertThat(seen).hasSize(messages);
  }

  @Test
  void P1_noWakeUpIsLostToAPollThatGivesUpAtTheSameMoment() throws Exception {
    int messages = 5_000;
    CountDownLatch delivered = new CountDownLatch(messages);
    AtomicBoolean done = new AtomicBoolean();
    ExecutorService pool = Executors.newFixedThreadPool(8);
    try (WorkQueue queue = InMemoryWorkQueue.builder("wake").grace(Duration.ZERO).build()) {
      for (int i = 0; i < 4; i++) {
        // These give up all the time, so that wake-ups often go to a poll that is just leaving.
        pool.submit(
            () -> {
              while (!done.get()) {
                queue.poll(1, Duration.ofNanos(20_000)).forEach(taken -> acked(taken, delivered));
              }
            });
      }
      pool.submit(
          () -> {
            while (!done.get()) {
              // The one that would sleep through a lost wake-up, until the test's time-out.
              queue.poll(1, Duration.ofHours(1)).forEach(taken -> acked(taken, delivered));
            }
          });
      for (int i = 0; i < messages; i++) {
        queue.enqueue(Message.text("m"));
      }
      assertThat(delivered.await(60, TimeUnit.SECONDS)).as(delivered + " left").isTrue();
      done.set(true);
    } finally {
      pool.shutdownNow();
    }
  }

  private static void acked(Delivery delivery, CountDownLatch delivered) {
    delivery.ack();
    delivered.countDown();
  }

  private InMemoryWorkQueue.Builder open() {
    return InMemoryWorkQueue.builder("q").store(store).grace(Duration.ZERO);
  }

  private static void enqueue(WorkQueue queue, String... texts) {
    for (String text : texts) {
      queue.enqueue(Message.text(text).key("k")).join().orThrow();
    }
  }

  private static List<String> drain(WorkQueue queue) {
    List<String> texts = new ArrayList<>();
    for (List<Delivery> some = queue.poll(1, Duration.ZERO);
        !some.isEmpty();
        some = queue.poll(1, Duration.ZERO)) {
      texts.add(some.get(0).message().text());
      some.get(0).ack();
    }
    return texts;
  }
}
