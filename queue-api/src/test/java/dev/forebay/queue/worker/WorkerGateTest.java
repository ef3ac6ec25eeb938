package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Capabilities;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Gates stop intake and burn no attempt (W6). */
class WorkerGateTest {

  private final Rig rig = new Rig();
  private final AtomicInteger ran = new AtomicInteger();

  private WorkerBuilder worker() {
    return rig.worker().handler((delivery, context) -> ran.incrementAndGet());
  }

  @Test
  void W6_nothingIsTakenBehindAClosedGate() {
    Gate loading = Gate.closed();
    rig.enqueue("a");
    List<String> heard = new CopyOnWriteArrayList<>();
    WorkerListener listener =
        new WorkerListener() {
          @Override
          public void intakeStopped() {
            heard.add("stopped");
          }

          @Override
          public void intakeResumed() {
            heard.add("resumed");
          }
        };
    try (Worker worker = worker().gate(loading).listener(listener).start()) {
      Rig.eventually("stands before the gate", () -> heard.equals(List.of("stopped")));
      rig.awaitDepth(1, 0, 0);
      assertThat(loading.isOpen()).isFalse();
      loading.open();
      rig.awaitStats(worker, stats -> stats.handled() == 1);
      assertThat(heard).startsWith("stopped", "resumed");
    }
  }

  @Test
  void W6_aPausedWorkerFinishesWhatRunsAndTakesNothing() throws Exception {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch finish = new CountDownLatch(1);
    rig.enqueue("a");
    try (Worker worker =
        rig.worker()
            .slots(2)
            .handler(
                (delivery, context) -> {
                  started.countDown();
                  finish.await();
                })
            .start()) {
      started.await();
      worker.pause();
      worker.pause();
      rig.enqueue("b");
      rig.enqueue("c");
      // A poll that was waiting brings one, which is given back untried.
      rig.awaitDepth(2, 1, 0);
      finish.countDown();
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
      rig.awaitDepth(2, 0, 0);
      worker.resume();
      rig.awaitStats(worker, stats -> stats.handled() == 3);
      assertThat(worker.stats().failed()).isZero();
    }
  }

  @Test
  void W6_whereAReturnBurnsAnAttemptItIsKeptUntilTheGateOpens() {
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
    List<Attempts> seen = new CopyOnWriteArrayList<>();
    try (Worker worker =
        rig.worker(costly).handler((delivery, context) -> seen.add(delivery.attempts())).start()) {
      Rig.eventually("polling", () -> rig.time.pendingTimers() > 0);
      worker.pause();
      rig.enqueue("a");
      rig.awaitDepth(0, 1, 0);
      rig.advanceInSteps(Rig.LEASE.multipliedBy(3), Duration.ofSeconds(1));
      assertThat(seen).isEmpty();
      rig.awaitDepth(0, 1, 0);
      worker.resume();
      rig.awaitStats(worker, stats -> stats.handled() == 1);
      assertThat(seen).containsExactly(Attempts.NONE);
      assertThat(worker.stats().returned()).isZero();
    }
  }

  @Test
  void W6_aRateLetsSoManyInAndNoMore() {
    for (int i = 0; i < 20; i++) {
      rig.enqueue("m" + i);
    }
    Gate rate = Gate.perSecond(2, 3, rig.time);
    try (Worker worker = worker().slots(8).gate(rate).start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 3 && stats.running() == 0);
      for (int second = 1; second <= 5; second++) {
        int expected = 3 + 2 * second;
        Rig.eventually("waits for the next", () -> rig.time.pendingTimers() > 0);
        rig.advanceInSteps(Duration.ofSeconds(1), Duration.ofMillis(500));
        rig.awaitStats(worker, stats -> stats.handled() >= expected - 1);
        assertThat(worker.stats().handled()).isLessThanOrEqualTo(expected);
      }
    }
  }

  @Test
  void W6_aGateClosesForATimeAndTheLongestHolds() {
    Gate gate = Gate.opened(rig.time);
    gate.close(Duration.ofSeconds(5));
    gate.close(Duration.ofSeconds(20));
    gate.close(Duration.ofSeconds(10));
    rig.advance(Duration.ofMillis(19_999));
    assertThat(gate.isOpen()).isFalse();
    rig.advance(Duration.ofMillis(1));
    assertThat(gate.isOpen()).isTrue();
    gate.close();
    gate.close(Duration.ofSeconds(1));
    rig.advance(Duration.ofSeconds(2));
    assertThat(gate.isOpen()).as("closed without an end stays closed").isFalse();
    gate.open();
    assertThat(gate.isOpen()).isTrue();
    gate.close(Duration.ZERO);
    assertThat(gate.isOpen()).isTrue();
  }

  @Test
  void W6_aConditionIsAskedAgain() {
    AtomicBoolean free = new AtomicBoolean();
    Gate memory =
        Gate.when(
            () -> {
              if (!free.get()) {
                throw new IllegalStateException("no device");
              }
              return true;
            },
            Duration.ofSeconds(2));
    rig.enqueue("a");
    try (Worker worker = worker().gate(memory).start()) {
      Rig.eventually("asks again later", () -> rig.time.pendingTimers() > 0);
      free.set(true);
      Rig.eventually(
          "asked again",
          () -> {
            rig.advance(Duration.ofSeconds(1));
            return worker.stats().handled() == 1;
          });
    }
    assertThatThrownBy(() -> Gate.when(() -> true, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Gate.perSecond(0, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Gate.perSecond(1, 0)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void S1_aWorkerBehindAClosedGateCloses() {
    Worker worker = worker().gate(Gate.closed()).start();
    worker.close();
    assertThat(ran).hasValue(0);
  }

  @Test
  void W7_listenersHearHowEachGateStands() {
    Gate loading = Gate.closed();
    AtomicBoolean free = new AtomicBoolean(true);
    List<String> heard = new CopyOnWriteArrayList<>();
    WorkerListener listener =
        new WorkerListener() {
          @Override
          public void gate(String name, boolean open) {
            heard.add(name + (open ? " open" : " closed"));
          }
        };
    Worker worker =
        worker()
            .gate("model", loading)
            .gate(Gate.when(free::get, Duration.ofSeconds(1)))
            .listener(listener)
            .start();
    try (worker) {
      assertThat(heard)
          .containsExactly("model closed", "gate-2 open", "paused open", "throttled open");
      heard.clear();
      loading.open();
      loading.open();
      worker.pause();
      assertThat(heard).containsExactly("model open", "paused closed");
      free.set(false);
      Rig.eventually(
          "found closed",
          () -> {
            rig.advance(Duration.ofSeconds(1));
            return heard.contains("gate-2 closed");
          });
      worker.resume();
      assertThat(heard).last().isEqualTo("paused open");
    }
    heard.clear();
    loading.close();
    assertThat(heard).as("a closed worker says nothing").isEmpty();
  }

  @Test
  void W6_namesOfGatesAreTheirOwn() {
    WorkerBuilder builder = worker().gate("model", Gate.opened());
    for (String taken : List.of("model", "paused", "throttled", " ")) {
      assertThatThrownBy(() -> builder.gate(taken, Gate.opened()))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void W6_whatWaitsForASlotIsGivenBackWhenAGateCloses() throws Exception {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch finish = new CountDownLatch(1);
    for (int i = 0; i < 4; i++) {
      rig.enqueue("m" + i);
    }
    try (Worker worker =
        rig.worker()
            .prefetch(3)
            .handler(
                (delivery, context) -> {
                  started.countDown();
                  finish.await();
                })
            .start()) {
      started.await();
      rig.awaitDepth(0, 4, 0);
      worker.pause();
      rig.awaitDepth(3, 1, 0);
      rig.awaitStats(worker, stats -> stats.returned() == 3);
      finish.countDown();
      worker.resume();
      rig.awaitStats(worker, stats -> stats.handled() == 4);
      assertThat(worker.stats().failed()).isZero();
    } finally {
      finish.countDown();
    }
  }

  @Test
  void W6_howToLookAgainDoesNotHangOnHowAGateStandsJustNow() {
    AtomicBoolean flapping = new AtomicBoolean();
    Gate condition =
        Gate.when(
            () -> {
              flapping.set(!flapping.get());
              return flapping.get();
            },
            Duration.ofSeconds(2));
    Gate rate = Gate.perSecond(10, 1, rig.time);
    assertThat(condition.lookAgainAfter()).isEqualTo(Duration.ofSeconds(2));
    assertThat(condition.lookAgainAfter()).isEqualTo(Duration.ofSeconds(2));
    assertThat(rate.lookAgainAfter()).as("others may take it").isEqualTo(Duration.ofMillis(100));
    rate.took(1);
    assertThat(rate.lookAgainAfter()).isEqualTo(Duration.ofMillis(100));
    assertThat(Gate.closed().lookAgainAfter()).isEqualTo(Gate.FOR_EVER);
  }

  @Test
  void W6_anEndlessRetryAfterClosesForAVeryLongTime() {
    Gate gate = Gate.opened(rig.time);
    gate.close(Duration.ofSeconds(Long.MAX_VALUE));
    rig.advance(Duration.ofDays(365));
    assertThat(gate.isOpen()).isFalse();
  }

  @Test
  void W6_aGateThatLivesOnForgetsAClosedWorker() {
    Gate gate = Gate.opened(rig.time);
    AtomicInteger before = new AtomicInteger();
    gate.onChange(before::incrementAndGet);
    rig.worker().gate(gate).handler((delivery, context) -> {}).start().close();
    assertThat(gate.listenerCount()).isEqualTo(1);
  }

  @Test
  void W6_aGateClosedOverAndOverHasOneTimer() {
    Gate gate = Gate.opened(rig.time);
    int before = rig.time.pendingTimers();
    for (int seconds = 1; seconds <= 1_000; seconds++) {
      gate.close(Duration.ofSeconds(seconds));
    }
    assertThat(rig.time.pendingTimers()).isEqualTo(before + 1);
    rig.advance(Duration.ofMillis(999_999));
    assertThat(gate.isOpen()).isFalse();
    rig.advance(Duration.ofMillis(1));
    assertThat(gate.isOpen()).isTrue();
    gate.close(Duration.ofHours(1));
    gate.open();
    gate.close(Duration.ofSeconds(1));
    rig.advance(Duration.ofSeconds(1));
    assertThat(gate.isOpen()).as("by its own time, not by that of the one before").isTrue();
    assertThat(rig.time.pendingTimers()).isEqualTo(before);
  }
}
