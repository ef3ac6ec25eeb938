package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** An autoscaler is told when a worker has something in hand: in order, and in nobody's way. */
class WorkerProtectionTest {

  private static final Duration LINGER = Duration.ofSeconds(10);

  private final Rig rig = new Rig();
  private final List<Boolean> told = new CopyOnWriteArrayList<>();
  private final Semaphore mayEnd = new Semaphore(0);
  private final CountDownLatch hangs = new CountDownLatch(1);

  @AfterEach
  void end() {
    hangs.countDown();
    mayEnd.release(1_000);
  }

  private WorkerBuilder worker(ScaleInProtection protection) {
    return rig.worker()
        .slots(2)
        .scaleInProtection(protection, LINGER)
        .handler((delivery, context) -> mayEnd.acquire());
  }

  private void awaitTold(Boolean... states) {
    Rig.eventually("told " + List.of(states), () -> told.equals(List.of(states)));
  }

  private void awaitInHand(Worker worker, int count) {
    rig.awaitStats(worker, stats -> stats.running() == count);
  }

  @Test
  void S1_busyIsToldAtOnceAndIdleAfterAWhile() {
    try (Worker worker = worker(told::add).start()) {
      rig.enqueue("a");
      awaitTold(true);
      rig.enqueue("b");
      awaitInHand(worker, 2);
      mayEnd.release();
      awaitInHand(worker, 1);
      rig.advance(LINGER.multipliedBy(2));
      mayEnd.release();
      awaitInHand(worker, 0);
      rig.advance(LINGER.minusMillis(1));
      // A trickle is one busy time, and each message makes it longer.
      rig.enqueue("c");
      awaitInHand(worker, 1);
      mayEnd.release();
      awaitInHand(worker, 0);
      rig.advance(LINGER.minusMillis(1));
      assertThat(told).containsExactly(true);
      rig.advance(Duration.ofMillis(1));
      awaitTold(true, false);
      rig.enqueue("d");
      awaitTold(true, false, true);
      mayEnd.release();
    }
    // Closed: it has let go of everything, and there is no need to wait.
    assertThat(told).containsExactly(true, false, true, false);
    WorkerCloseTest.assertNoThreads(rig.name);
  }

  @Test
  void S1_aWorkerThatNeverHadAnythingTellsNothing() {
    worker(told::add).start().close();
    assertThat(told).isEmpty();
  }

  /** The work goes on while the autoscaler does not answer, and states do not pile up. */
  @Test
  void S1_anAutoscalerThatIsSlowHoldsUpNothingAndHearsTheLastState() {
    AtomicInteger calls = new AtomicInteger();
    Semaphore answers = new Semaphore(0);
    ScaleInProtection slow =
        busy -> {
          assertThat(calls.incrementAndGet()).as("one call at a time").isEqualTo(1);
          answers.acquire();
          told.add(busy);
          calls.decrementAndGet();
        };
    mayEnd.release(1_000);
    try (Worker worker = worker(slow).start()) {
      for (int i = 1; i <= 20; i++) {
        rig.enqueue("m" + i);
        int sofar = i;
        rig.awaitStats(worker, stats -> stats.handled() == sofar && stats.running() == 0);
        rig.advance(LINGER);
      }
      assertThat(told).isEmpty();
      answers.release();
      awaitTold(true);
      answers.release();
      awaitTold(true, false);
      assertThat(answers.tryAcquire()).isFalse();
      answers.release(100);
    }
    assertThat(told)
        .as("nineteen times busy were over before anybody could hear of them")
        .containsExactly(true, false);
  }

  @Test
  void S1_aCallThatFailsIsMadeAgain() {
    AtomicInteger failures = new AtomicInteger(3);
    ScaleInProtection flaky =
        busy -> {
          if (failures.getAndDecrement() > 0) {
            throw new IllegalStateException("made up");
          }
          told.add(busy);
        };
    try (Worker worker = worker(flaky).start()) {
      rig.enqueue("a");
      Rig.eventually(
          "told in the end",
          () -> {
            rig.advance(Duration.ofSeconds(1));
            return told.equals(List.of(true));
          });
      assertThat(failures).hasValue(-1);
      awaitInHand(worker, 1);
      mayEnd.release();
    }
    assertThat(told).containsExactly(true, false);
  }

  /** Perhaps it was heard: the state is told anew, whichever it is by then. */
  @Test
  void S1_afterACallThatFailedIdleIsToldThoughBusyNeverWas() {
    AtomicInteger calls = new AtomicInteger();
    ScaleInProtection lossy =
        busy -> {
          told.add(busy);
          if (calls.incrementAndGet() == 1) {
            throw new IllegalStateException("the answer was lost");
          }
        };
    mayEnd.release(1_000);
    try (Worker worker = worker(lossy).start()) {
      rig.enqueue("a");
      awaitTold(true);
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
    }
    assertThat(told).containsExactly(true, false);
  }

  @Test
  void S1_anAutoscalerThatNeverAnswersDoesNotKeepTheWorkerFromClosing() throws Exception {
    CountDownLatch called = new CountDownLatch(1);
    mayEnd.release(1_000);
    Worker worker =
        worker(
                busy -> {
                  called.countDown();
                  hangs.await();
                })
            .start();
    rig.enqueue("a");
    called.await();
    rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
    worker.close();
    assertThat(hangs.getCount()).isEqualTo(1);
  }
}
