package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.JsonCodec;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** What the worker makes of what a handler does (W1, R2, R5, P5). */
class WorkerOutcomeTest {

  record Prompt(String id, int tokens) {}

  @Test
  void W1_returningAcks() {
    Rig rig = new Rig();
    rig.enqueue("a");
    List<String> seen = new CopyOnWriteArrayList<>();
    try (Worker worker =
        rig.worker().handler((delivery, context) -> seen.add(delivery.message().text())).start()) {
      rig.awaitDepth(0, 0, 0);
      assertThat(seen).containsExactly("a");
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
      assertThat(worker.queue()).isSameAs(rig.queue);
    }
  }

  @Test
  void W1_theHandlerGetsTheDecodedValueAndItsContext() {
    Rig rig = new Rig();
    Instant deadline = rig.time.now().plusSeconds(20);
    rig.queue.enqueue(Message.json(new Prompt("p", 7)).deadline(Duration.ofSeconds(20)));
    AtomicReference<String> seen = new AtomicReference<>();
    try (Worker worker =
        rig.worker()
            .handler(
                JsonCodec.of(Prompt.class),
                (prompt, context) -> {
                  assertThat(context.deadline()).contains(deadline);
                  assertThat(context.attempt()).isEqualTo(1);
                  assertThat(context.fencingToken()).isEqualTo(context.delivery().fencingToken());
                  assertThat(context.leaseRemaining()).isEqualTo(Rig.LEASE);
                  assertThat(context.isLeaseLost()).isFalse();
                  context.checkLease();
                  seen.set(prompt.id() + prompt.tokens());
                })
            .start()) {
      rig.awaitDepth(0, 0, 0);
      rig.awaitStats(worker, stats -> stats.handled() == 1);
      assertThat(seen).hasValue("p7");
    }
  }

  @Test
  void W1_throwingRetriesAfterTheBackoffAndDeadLettersAfterTheLastAttempt() {
    Rig rig = new Rig();
    String id = rig.enqueue("a");
    List<Integer> attempts = new CopyOnWriteArrayList<>();
    try (Worker worker =
        rig.worker()
            .handler(
                (delivery, context) -> {
                  attempts.add(context.attempt());
                  throw new IOException("busy " + context.attempt());
                })
            .start()) {
      rig.awaitDepth(0, 0, 1);
      rig.advance(Duration.ofMillis(999));
      assertThat(rig.queue.depth().delayed()).as("not before its delay").hasValue(1);
      rig.advance(Duration.ofMillis(1));
      Rig.eventually("second attempt failed", () -> worker.stats().retried() == 2);
      rig.awaitDepth(0, 0, 1);
      rig.advance(Duration.ofSeconds(2));
      rig.awaitDepth(0, 0, 0);
      rig.awaitStats(worker, stats -> stats.deadLettered() == 1);
      assertThat(attempts).containsExactly(1, 2, 3);
      assertThat(worker.stats().failed()).isEqualTo(3);
      assertThat(worker.stats().retried()).isEqualTo(2);
    }
    Delivery letter = rig.dead.poll(Duration.ZERO).orElseThrow();
    assertThat(letter.id()).isEqualTo(id);
    assertThat(letter.deadLetter().orElseThrow().cause())
        .isEqualTo(new DeadLetterCause("IOException", "busy 3"));
  }

  @Test
  void R5_aTerminalFailureIsDeadLetteredAtOnce() {
    Rig rig = new Rig();
    rig.enqueue("a");
    try (Worker worker =
        rig.worker()
            .retry(Rig.RETRY.terminal(IllegalArgumentException.class))
            .handler(
                (delivery, context) -> {
                  throw new IllegalArgumentException("no such model");
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.deadLettered() == 1 && stats.retried() == 0);
    }
    assertThat(rig.dead.poll(Duration.ZERO).orElseThrow().deadLetter().orElseThrow().cause())
        .isEqualTo(new DeadLetterCause("IllegalArgumentException", "no such model"));
  }

  @Test
  void W1_errorsAndInterruptsOfTheHandlersOwnAreFailuresAndTheWorkerGoesOn() {
    Rig rig = new Rig();
    for (String kind : List.of("memory", "stack", "interrupt", "flag", "assertion")) {
      rig.enqueue(kind);
    }
    AtomicInteger flags = new AtomicInteger();
    try (Worker worker =
        rig.worker()
            .handler(
                (delivery, context) -> {
                  if (Thread.currentThread().isInterrupted()) {
                    flags.incrementAndGet();
                  }
                  if (context.attempt() > 1) {
                    return;
                  }
                  switch (delivery.message().text()) {
                    case "memory" -> throw new OutOfMemoryError("made up");
                    case "stack" -> recurse(0);
                    case "interrupt" -> throw new InterruptedException("its own");
                    case "flag" -> {
                      Thread.currentThread().interrupt();
                      throw new IllegalStateException("left the flag set");
                    }
                    default -> throw new AssertionError();
                  }
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.retried() == 5 && stats.running() == 0);
      rig.awaitDepth(0, 0, 5);
      rig.advance(Duration.ofSeconds(1));
      rig.awaitStats(worker, stats -> stats.handled() == 5);
      assertThat(flags).as("a flag left behind must not reach another message").hasValue(0);
      assertThat(worker.stats().failed()).isEqualTo(5);
    }
  }

  private static int recurse(int depth) {
    return depth < 0 ? depth : recurse(depth + 1) + 1;
  }

  @Test
  void W1_aDecidingHandlersOutcomesAreFollowed() {
    Rig rig = new Rig();
    for (String outcome : List.of("ack", "retry", "after", "dead", "back", "null")) {
      rig.enqueue(outcome);
    }
    List<String> second = new CopyOnWriteArrayList<>();
    try (Worker worker =
        rig.worker()
            .deciding(
                (delivery, context) -> {
                  String text = delivery.message().text();
                  Attempts before = delivery.attempts();
                  if (!before.equals(Attempts.NONE)) {
                    second.add(text + " " + before.failed() + " " + before.returned());
                    return Outcome.ack();
                  }
                  return switch (text) {
                    case "ack" -> Outcome.ack();
                    case "retry" -> Outcome.retry();
                    case "after" -> Outcome.retryAfter(Duration.ofSeconds(100));
                    case "dead" -> Outcome.deadLetter(new IOException("gone"));
                    case "back" -> Outcome.giveBack();
                    default -> null;
                  };
                })
            .start()) {
      rig.awaitDepth(0, 0, 3);
      assertThat(second).containsExactly("back 0 1");
      rig.advance(Duration.ofSeconds(1));
      rig.awaitDepth(0, 0, 1);
      Rig.eventually("the retries ran", () -> second.size() == 3);
      rig.advance(Duration.ofMillis(98_999));
      assertThat(rig.queue.depth().delayed()).hasValue(1);
      rig.advance(Duration.ofMillis(1));
      rig.awaitDepth(0, 0, 0);
      rig.awaitStats(worker, stats -> stats.handled() == 5);
      assertThat(second)
          .containsExactlyInAnyOrder("back 0 1", "retry 1 0", "null 1 0", "after 1 0");
      assertThat(worker.stats().returned()).isEqualTo(1);
      assertThat(worker.stats().deadLettered()).isEqualTo(1);
    }
    assertThat(rig.dead.poll(Duration.ZERO).orElseThrow().deadLetter().orElseThrow().cause())
        .isEqualTo(new DeadLetterCause("IOException", "gone"));
  }

  @Test
  void R5_retriesAHandlerAsksForEndInTheDeadLettersToo() {
    Rig rig = new Rig();
    rig.enqueue("a");
    try (Worker worker =
        rig.worker()
            .retry(Rig.RETRY.maxAttempts(2))
            .deciding((delivery, context) -> Outcome.retryAfter(Duration.ZERO))
            .start()) {
      rig.awaitStats(worker, stats -> stats.deadLettered() == 1 && stats.retried() == 1);
    }
    assertThat(rig.dead.poll(Duration.ZERO).orElseThrow().deadLetter().orElseThrow().cause().type())
        .isEqualTo(DeadLetterCause.MAX_ATTEMPTS);
  }

  @Test
  void P5_aBodyThatCannotBeDecodedIsDeadLetteredWithoutRunningTheHandler() {
    Rig rig = new Rig();
    rig.enqueue("not JSON at all");
    AtomicInteger ran = new AtomicInteger();
    try (Worker worker =
        rig.worker()
            .handler(JsonCodec.of(Prompt.class), (prompt, context) -> ran.incrementAndGet())
            .start()) {
      rig.awaitStats(worker, stats -> stats.deadLettered() == 1);
      assertThat(ran).hasValue(0);
    }
    Delivery letter = rig.dead.poll(Duration.ZERO).orElseThrow();
    DeadLetterCause cause = letter.deadLetter().orElseThrow().cause();
    assertThat(cause.type()).isEqualTo(DeadLetterCause.UNDECODABLE);
    assertThat(cause.message()).contains("Prompt").doesNotContain("not JSON at all");
    assertThat(letter.message().text()).as("unchanged").isEqualTo("not JSON at all");
  }

  @Test
  void R5_withoutADeadLetterDestinationNothingIsDroppedAndItIsTriedAtTheLongestBackoff() {
    Rig rig = new Rig(false);
    rig.enqueue("not JSON at all");
    rig.enqueue("{\"id\":\"p\",\"tokens\":1}");
    AtomicInteger ran = new AtomicInteger();
    try (Worker worker =
        rig.worker()
            .retry(Rig.RETRY.maxAttempts(1))
            .handler(
                JsonCodec.of(Prompt.class),
                (prompt, context) -> {
                  ran.incrementAndGet();
                  throw new IOException("busy");
                })
            .start()) {
      for (int round = 1; round <= 3; round++) {
        int times = round;
        Rig.eventually("both tried", () -> worker.stats().retried() == 2L * times);
        rig.awaitDepth(0, 0, 2);
        assertThat(ran).hasValue(round);
        rig.advance(Duration.ofMillis(7_999));
        assertThat(rig.queue.depth().delayed()).hasValue(2);
        rig.advance(Duration.ofMillis(1));
      }
      assertThat(worker.stats().deadLettered()).isZero();
    }
  }

  @Test
  void R5_aMessageWhoseAttemptsWereUsedUpByLostLeasesIsDeadLetteredWithoutRunning() {
    Rig rig = new Rig();
    String id = rig.enqueue("a");
    for (int crash = 0; crash < 3; crash++) {
      // Taken and never settled, as by a process that dies each time.
      assertThat(rig.queue.poll(Duration.ZERO)).isPresent();
      rig.advance(Rig.LEASE);
    }
    AtomicInteger ran = new AtomicInteger();
    try (Worker worker =
        rig.worker()
            .retry(Rig.RETRY.maxLostLeases(3))
            .handler((delivery, context) -> ran.incrementAndGet())
            .start()) {
      rig.awaitStats(worker, stats -> stats.deadLettered() == 1 && stats.failed() == 0);
      assertThat(ran).hasValue(0);
    }
    Delivery letter = rig.dead.poll(Duration.ZERO).orElseThrow();
    assertThat(letter.id()).isEqualTo(id);
    assertThat(letter.deadLetter().orElseThrow().cause().type())
        .isEqualTo(DeadLetterCause.LEASES_LOST);
    assertThat(letter.deadLetter().orElseThrow().cause().message())
        .contains("3 leases were lost, of at most 3");
  }

  @Test
  void A1_aHandlerThatSettlesByItselfIsLeftInPeace() {
    Rig rig = new Rig();
    rig.enqueue("a");
    try (Worker worker =
        rig.worker().handler((delivery, context) -> delivery.ack().join()).start()) {
      rig.awaitStats(worker, stats -> stats.staleSettlements() == 1);
      assertThat(worker.stats().leaseLost()).isZero();
      assertThat(rig.queue.depth().backlog()).isZero();
    }
  }

  @Test
  void R5_aTestForTerminalFailuresThatThrowsRetries() {
    Rig rig = new Rig();
    rig.enqueue("a");
    try (Worker worker =
        rig.worker()
            .retry(
                Rig.RETRY.terminalWhen(
                    failure -> {
                      throw new IllegalStateException("broken test");
                    }))
            .handler(
                (delivery, context) -> {
                  throw new IOException("busy");
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.retried() == 1);
      rig.awaitDepth(0, 0, 1);
    }
  }

  @Test
  void S2_aWorkerThatCannotWorkDoesNotStart() {
    Rig rig = new Rig();
    assertThatThrownBy(() -> rig.worker().start())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Set a handler");
    assertThatThrownBy(() -> rig.worker().handler((d, c) -> {}).handler((d, c) -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("only one");
    assertThatThrownBy(
            () ->
                rig.worker()
                    .leases(LeasePolicy.defaults().lease(Duration.ofHours(13)))
                    .handler((d, c) -> {})
                    .start())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("PT13H");
    assertThatThrownBy(() -> rig.worker().slots(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> rig.worker().pollWait(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> rig.worker().grace(Duration.ofSeconds(-1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void R5_aDeadLetterIsCountedAndToldWhenTheQueueHasConfirmedIt() {
    Rig rig = new Rig();
    AtomicInteger told = new AtomicInteger();
    AtomicInteger asked = new AtomicInteger();
    CompletableFuture<Settlement> first = new CompletableFuture<>();
    WorkQueue queue =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public CompletableFuture<Settlement> deadLetter(
              Delivery delivery, DeadLetterCause cause) {
            return asked.incrementAndGet() == 1 ? first : super.deadLetter(delivery, cause);
          }
        };
    rig.enqueue("a");
    try (Worker worker =
        rig.worker(queue)
            .listener(
                new WorkerListener() {
                  @Override
                  public void deadLettered(Delivery delivery, DeadLetterCause cause) {
                    told.incrementAndGet();
                  }
                })
            .deciding((delivery, context) -> Outcome.deadLetter(new IOException("gone")))
            .start()) {
      rig.awaitStats(worker, stats -> stats.failed() == 1 && stats.running() == 0);
      assertThat(worker.stats().deadLettered()).isZero();
      first.complete(Settlement.UNKNOWN);
      rig.awaitStats(worker, stats -> stats.unknownSettlements() == 1);
      assertThat(worker.stats().deadLettered()).isZero();
      assertThat(told).hasValue(0);
      rig.advance(Rig.LEASE);
      rig.awaitStats(worker, stats -> stats.deadLettered() == 1 && stats.running() == 0);
      assertThat(told).hasValue(1);
    }
  }
}
