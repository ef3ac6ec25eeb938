package dev.forebay.queue.testkit.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.memory.InMemoryStore;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FaultyWorkQueueTest {

  private static final Duration NOW = Duration.ZERO;

  private final ManualTimeSource clock = new ManualTimeSource();
  private final InMemoryStore store = new InMemoryStore(clock, "id");

  private FaultyWorkQueue.Builder builder(long seed) {
    return FaultyWorkQueue.builder(InMemoryWorkQueue.builder("q").store(store).build(), seed)
        .time(clock);
  }

  private static Message message(int number) {
    return Message.text("message " + number);
  }

  @Test
  void withoutRates_everythingPasses() {
    try (FaultyWorkQueue queue = builder(1).build()) {
      for (int i = 0; i < 100; i++) {
        assertThat(queue.enqueue(message(i)).join()).isInstanceOf(EnqueueOutcome.Enqueued.class);
      }
      List<Delivery> taken = queue.poll(100, NOW);
      assertThat(taken).hasSize(100);
      taken.forEach(delivery -> assertThat(delivery.ack().join()).isEqualTo(Settlement.OK));
      for (QueueFault fault : QueueFault.values()) {
        assertThat(queue.fired(fault)).isZero();
      }
    }
  }

  @Test
  void lostRequest_isNotCarriedOut() {
    try (FaultyWorkQueue queue = builder(1).rate(QueueFault.LOST_REQUEST, 1).build()) {
      assertThat(queue.enqueue(message(1)).join())
          .isInstanceOfSatisfying(
              EnqueueOutcome.Failed.class,
              failed -> assertThat(failed.code()).isEqualTo(ErrorCode.UNAVAILABLE));
      assertThat(queue.depth().backlog()).isZero();
      queue.enable(false);
      queue.enqueue(message(2)).join().orThrow();
      Delivery delivery = queue.poll(1, NOW).get(0);
      queue.enable(true);
      assertThat(delivery.ack().join()).isEqualTo(Settlement.UNKNOWN);
      assertThat(queue.depth().backlog()).isEqualTo(1);
      assertThat(delivery.isLost()).isFalse();
      assertThat(queue.poll(1, NOW)).isEmpty();
      assertThat(queue.fired(QueueFault.LOST_REQUEST)).isEqualTo(3);
      queue.enable(false);
      assertThat(delivery.ack().join()).isEqualTo(Settlement.OK);
    }
  }

  @Test
  void lostReply_isCarriedOutAndNotKnown() {
    try (FaultyWorkQueue queue = builder(1).rate(QueueFault.LOST_REPLY, 1).build()) {
      assertThat(queue.enqueue(message(1)).join())
          .isInstanceOfSatisfying(
              EnqueueOutcome.Failed.class,
              failed -> assertThat(failed.code()).isEqualTo(ErrorCode.AMBIGUOUS));
      assertThat(queue.depth().visible()).hasValue(1);
      assertThat(queue.poll(1, NOW)).as("deliveries on the way get lost").isEmpty();
      assertThat(queue.depth().inFlight()).hasValue(1);
      clock.advance(Duration.ofSeconds(30));
      queue.enable(false);
      Delivery delivery = queue.poll(1, NOW).get(0);
      assertThat(delivery.attempt()).isEqualTo(2);
      queue.enable(true);
      assertThat(delivery.ack().join()).isEqualTo(Settlement.UNKNOWN);
      assertThat(queue.depth().backlog()).isZero();
      assertThat(delivery.ack().join()).as("known here").isEqualTo(Settlement.STALE);
      assertThat(queue.fired(QueueFault.LOST_REPLY)).isEqualTo(3);
    }
  }

  @Test
  void delay_isCarriedOutLater() {
    try (FaultyWorkQueue queue =
        builder(1).rate(QueueFault.DELAY, 1).longestDelay(Duration.ofSeconds(1)).build()) {
      List<CompletableFuture<EnqueueOutcome>> outcomes =
          IntStream.range(0, 20).mapToObj(i -> queue.enqueue(message(i))).toList();
      assertThat(outcomes).noneMatch(CompletableFuture::isDone);
      clock.advance(Duration.ofMillis(500));
      assertThat(outcomes).anyMatch(CompletableFuture::isDone);
      assertThat(outcomes).anyMatch(outcome -> !outcome.isDone());
      clock.advance(Duration.ofMillis(500));
      assertThat(outcomes).allMatch(CompletableFuture::isDone);
      assertThat(queue.depth().visible()).hasValue(20);
      assertThat(queue.fired(QueueFault.DELAY)).isEqualTo(20);
    }
  }

  @Test
  void close_carriesOutWhatIsLate_andWakesSleepers() throws Exception {
    FaultyWorkQueue queue =
        builder(1).rate(QueueFault.DELAY, 1).longestDelay(Duration.ofHours(1)).build();
    CompletableFuture<EnqueueOutcome> outcome = queue.enqueue(message(1));
    Thread poller = new Thread(() -> queue.poll(1, Duration.ofHours(1)));
    poller.start();
    Awaitility.await().until(() -> poller.getState() == Thread.State.WAITING);
    queue.close();
    poller.join(10_000);
    assertThat(poller.isAlive()).isFalse();
    assertThat(outcome).isCompletedWithValueMatching(EnqueueOutcome.Enqueued.class::isInstance);
    assertThatThrownBy(() -> queue.poll(1, NOW))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLOSED));
  }

  @Test
  void throttle_refuses() {
    try (FaultyWorkQueue queue = builder(1).rate(QueueFault.THROTTLE, 1).build()) {
      assertThat(queue.enqueue(message(1)).join())
          .isInstanceOfSatisfying(
              EnqueueOutcome.Failed.class,
              failed -> {
                assertThat(failed.code()).isEqualTo(ErrorCode.THROTTLED);
                assertThat(failed.retryable()).isTrue();
              });
      assertThat(queue.poll(1, NOW)).isEmpty();
      assertThat(queue.depth().backlog()).isZero();
      assertThat(queue.fired(QueueFault.THROTTLE)).isEqualTo(2);
    }
  }

  @Test
  void partialFailure_hitsSomeAndSparesSome() {
    try (FaultyWorkQueue queue = builder(3).rate(QueueFault.PARTIAL_FAILURE, 1).build()) {
      for (int size = 2; size < 20; size++) {
        List<EnqueueOutcome> outcomes =
            queue.enqueueAll(IntStream.range(0, size).mapToObj(i -> message(i)).toList()).join();
        assertThat(outcomes).hasSize(size);
        assertThat(outcomes).anyMatch(EnqueueOutcome.Enqueued.class::isInstance);
        assertThat(outcomes).anyMatch(EnqueueOutcome.Failed.class::isInstance);
        List<Delivery> stored = queue.poll(100, NOW);
        assertThat(stored)
            .extracting(Delivery::id)
            .containsExactlyElementsOf(
                outcomes.stream()
                    .filter(EnqueueOutcome.Enqueued.class::isInstance)
                    .map(EnqueueOutcome::orThrow)
                    .toList());
        stored.forEach(Delivery::ack);
      }
      assertThat(queue.fired(QueueFault.PARTIAL_FAILURE)).isEqualTo(18);
      assertThat(queue.enqueueAll(List.of(message(1))).join().get(0))
          .as("one message has no part")
          .isInstanceOf(EnqueueOutcome.Enqueued.class);
    }
  }

  @Test
  void duplicateDelivery_isASecondHandOutOfTheSameLease() {
    try (FaultyWorkQueue queue = builder(1).rate(QueueFault.DUPLICATE_DELIVERY, 1).build()) {
      queue.enqueue(message(1)).join();
      Delivery first = queue.poll(1, NOW).get(0);
      Delivery second = queue.poll(1, NOW).get(0);
      assertThat(second.id()).isEqualTo(first.id());
      assertThat(second.message()).isEqualTo(first.message());
      assertThat(first.isLost()).isFalse();
      assertThat(first.ack().join()).isEqualTo(Settlement.OK);
      assertThat(second.ack().join()).isEqualTo(Settlement.STALE);
      assertThat(queue.fired(QueueFault.DUPLICATE_DELIVERY)).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource(QueueFault.class)
  void badArguments_failAlsoUnderFaults(QueueFault fault) {
    try (FaultyWorkQueue queue =
        FaultyWorkQueue.builder(
                InMemoryWorkQueue.builder("bare").store(store).withoutDeadLetters().build(), 1)
            .time(clock)
            .build()) {
      queue.enqueue(message(1)).join();
      Delivery delivery = queue.poll(1, NOW).get(0);
      try (FaultyWorkQueue faulty =
          FaultyWorkQueue.builder(queue, 1).time(clock).rate(fault, 1).build()) {
        assertThatThrownBy(() -> faulty.poll(0, NOW)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> faulty.extend(delivery, NOW))
            .isInstanceOf(IllegalArgumentException.class);
        assertThat(delivery.ack().join()).isEqualTo(Settlement.OK);
      }
    }
  }

  @Test
  void sameSeed_strikesTheSameCalls() {
    List<List<String>> runs = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      try (FaultyWorkQueue queue = mixed(InMemoryWorkQueue.builder("s").time(clock).build(), 42)) {
        runs.add(outcomes(queue));
      }
    }
    assertThat(runs.get(0)).isEqualTo(runs.get(1));
    try (FaultyWorkQueue other = mixed(InMemoryWorkQueue.builder("s").time(clock).build(), 43)) {
      assertThat(outcomes(other)).isNotEqualTo(runs.get(0));
    }
  }

  @Test
  void rates_areMet() {
    try (FaultyWorkQueue queue = mixed(InMemoryWorkQueue.builder("r").time(clock).build(), 7)) {
      for (int i = 0; i < 10_000; i++) {
        queue.enqueue(message(i)).join();
      }
      // 5 % of ten thousand, less those that another fault hit first.
      assertThat(queue.fired(QueueFault.LOST_REQUEST)).isBetween(400L, 600L);
      assertThat(queue.fired(QueueFault.LOST_REPLY)).isBetween(380L, 570L);
      assertThat(queue.fired(QueueFault.THROTTLE)).isBetween(360L, 540L);
    }
  }

  private static FaultyWorkQueue mixed(InMemoryWorkQueue target, long seed) {
    return FaultyWorkQueue.builder(target, seed)
        .rate(QueueFault.LOST_REQUEST, 0.05)
        .rate(QueueFault.LOST_REPLY, 0.05)
        .rate(QueueFault.THROTTLE, 0.05)
        .build();
  }

  private static List<String> outcomes(FaultyWorkQueue queue) {
    return IntStream.range(0, 300)
        .mapToObj(i -> queue.enqueue(message(i)).join())
        .map(
            outcome ->
                outcome instanceof EnqueueOutcome.Failed failed ? failed.code().name() : "stored")
        .toList();
  }
}
