package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.dedup.Claim;
import dev.forebay.queue.dedup.ClaimOutcome;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.dedup.DedupOptions;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Processing dedup at every point where something can break, under virtual time (U2-U4). */
class WorkerDedupTest {

  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration MINUTE = Duration.ofMinutes(1);

  /** By text: the queue's own window would drop a second dedup id. */
  private static final DedupOptions BY_TEXT =
      DedupOptions.defaults().key(delivery -> DedupKey.of(delivery.message().text()));

  private final Rig rig = new Rig();
  private final TestDedupStore store = new TestDedupStore(rig.time);
  private final List<String> ran = new CopyOnWriteArrayList<>();
  private final CountDownLatch started = new CountDownLatch(1);
  private final CountDownLatch finish = new CountDownLatch(1);

  private static DedupKey key(String text) {
    return DedupKey.of(text);
  }

  private ClaimOutcome askAsAnother(String text) {
    return store.other().claim(Claim.on(key(text)), MINUTE).join();
  }

  private void note(Delivery delivery, HandlerContext context) {
    ran.add(delivery.message().text() + " " + context.attempt());
  }

  private void noteAndWait(Delivery delivery, HandlerContext context) throws InterruptedException {
    note(delivery, context);
    started.countDown();
    finish.await();
  }

  /** Nothing is left anywhere: every message was acked. */
  private void awaitAllAcked(Worker worker) {
    rig.awaitDepth(0, 0, 0);
    rig.awaitStats(worker, stats -> stats.running() == 0);
    assertThat(rig.dead.poll(Duration.ZERO)).isEmpty();
  }

  @Test
  void U2_finishedWorkDeliveredAgainIsAckedWithoutRunning() {
    rig.enqueue("a");
    try (Worker worker = rig.worker().dedup(store, BY_TEXT).handler(this::note).start()) {
      awaitAllAcked(worker);
      rig.enqueue("a");
      rig.enqueue("b");
      awaitAllAcked(worker);
      assertThat(ran).containsExactly("a 1", "b 1");
      assertThat(store.completed).hasValue(2);
    }
  }

  @Test
  void U2_byDefaultTheDedupIdCountsAcrossTheQueuesOwnWindow() {
    try (Worker worker = rig.worker().dedup(store).handler(this::note).start()) {
      for (String text : List.of("first", "second", "third")) {
        String dedupId = text.equals("third") ? "other" : "same";
        rig.queue.enqueue(Message.text(text).dedupId(dedupId)).join().orThrow();
        awaitAllAcked(worker);
        rig.advance(Duration.ofMinutes(10));
      }
      assertThat(ran).containsExactly("first 1", "third 1");
    }
  }

  @Test
  void U3_withoutDedupIdEqualBodiesAreDifferentWork() {
    rig.enqueue("same");
    rig.enqueue("same");
    try (Worker worker = rig.worker().slots(2).dedup(store).handler(this::note).start()) {
      awaitAllAcked(worker);
      assertThat(ran).containsExactly("same 1", "same 1");
    }
  }

  /** The other process died between claim and complete. */
  @Test
  void U2_crashBetweenClaimAndComplete_runsWhenTheClaimHasEnded() {
    assertThat(askAsAnother("a")).isInstanceOf(ClaimOutcome.Granted.class);
    rig.enqueue("a");
    try (Worker worker = rig.worker().dedup(store, BY_TEXT).handler(this::note).start()) {
      rig.awaitDepth(0, 0, 1);
      rig.awaitStats(worker, stats -> stats.returned() == 1);
      rig.advance(MINUTE.minusMillis(1));
      rig.awaitDepth(0, 0, 1);
      assertThat(ran).isEmpty();
      rig.advance(SECOND);
      awaitAllAcked(worker);
      assertThat(ran).as("no attempt was burnt").containsExactly("a 1");
    }
  }

  @Test
  void U2_claimedElsewhereAndFinishedThere_isAckedWithoutRunning() {
    Claim other = Claim.on(key("a"));
    store.other().claim(other, MINUTE).join();
    rig.enqueue("a");
    try (Worker worker = rig.worker().dedup(store, BY_TEXT).handler(this::note).start()) {
      rig.awaitDepth(0, 0, 1);
      store.other().complete(other, null, MINUTE.multipliedBy(5)).join();
      rig.advance(MINUTE);
      awaitAllAcked(worker);
      assertThat(ran).isEmpty();
    }
  }

  /** Crash between complete and ack, as the queue sees it: the ack never arrives. */
  @Test
  void U4_finishedButTheAckWasLost_isRecognisedAndAcked() {
    rig.enqueue("a");
    AtomicInteger acks = new AtomicInteger();
    WorkQueue queue =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public CompletableFuture<Settlement> ack(Delivery delivery) {
            return acks.incrementAndGet() == 1
                ? CompletableFuture.completedFuture(Settlement.UNKNOWN)
                : super.ack(delivery);
          }
        };
    try (Worker worker = rig.worker(queue).dedup(store).handler(this::note).start()) {
      rig.awaitStats(worker, stats -> stats.unknownSettlements() == 1 && stats.running() == 0);
      rig.advance(Rig.LEASE);
      awaitAllAcked(worker);
      assertThat(acks).hasValue(2);
      assertThat(ran).containsExactly("a 1");
    }
  }

  @Test
  void U3_storeDownFromTheStart_workIsRunAndAcked() {
    store.state = TestDedupStore.State.DOWN;
    rig.enqueue("a");
    rig.enqueue("b");
    try (Worker worker = rig.worker().dedup(store, BY_TEXT).handler(this::note).start()) {
      awaitAllAcked(worker);
      assertThat(ran).containsExactlyInAnyOrder("a 1", "b 1");
      assertThat(store.failed.get()).isGreaterThanOrEqualTo(2);
    }
  }

  @Test
  void U3_storeThrows_workIsRunAndAcked() {
    store.state = TestDedupStore.State.THROWING;
    rig.enqueue("a");
    try (Worker worker = rig.worker().dedup(store, BY_TEXT).handler(this::note).start()) {
      awaitAllAcked(worker);
      assertThat(ran).containsExactly("a 1");
    }
  }

  @Test
  void U3_storeDoesNotAnswer_workIsRunAfterTheTimeOut() {
    store.state = TestDedupStore.State.SILENT;
    rig.enqueue("a");
    try (Worker worker =
        rig.worker()
            .dedup(store, BY_TEXT.storeTimeout(SECOND.multipliedBy(2)))
            .handler(this::note)
            .start()) {
      Rig.eventually("the store was asked", () -> store.failed.get() == 1);
      // Which the worker may just be about to wait for.
      Rig.eventually(
          "handled",
          () -> {
            rig.advance(SECOND);
            return worker.stats().handled() == 1;
          });
      awaitAllAcked(worker);
      assertThat(ran).containsExactly("a 1");
    }
  }

  @Test
  void U3_storeDownAndToBeWaitedFor_nothingRunsAndNothingIsLost() {
    store.state = TestDedupStore.State.DOWN;
    rig.enqueue("a");
    try (Worker worker =
        rig.worker()
            .dedup(store, BY_TEXT.onStoreFailure(DedupOptions.StoreFailure.RELEASE))
            .handler(this::note)
            .start()) {
      rig.awaitDepth(0, 0, 1);
      for (int i = 0; i < 20; i++) {
        int before = i + 1;
        Rig.eventually("given back", () -> worker.stats().returned() >= before);
        rig.awaitDepth(0, 0, 1);
        rig.advance(SECOND.multipliedBy(2));
      }
      assertThat(ran).isEmpty();
      store.state = TestDedupStore.State.UP;
      Rig.eventually(
          "handled",
          () -> {
            rig.advance(SECOND);
            return worker.stats().handled() == 1;
          });
      awaitAllAcked(worker);
      assertThat(ran).as("no attempt was burnt").containsExactly("a 1");
    }
  }

  @Test
  void U3_storeGoesDownWhileTheHandlerRuns_theWorkIsAckedOnce() throws Exception {
    rig.enqueue("a");
    try (Worker worker = rig.worker().dedup(store, BY_TEXT).handler(this::noteAndWait).start()) {
      started.await();
      store.state = TestDedupStore.State.DOWN;
      finish.countDown();
      awaitAllAcked(worker);
      assertThat(ran).containsExactly("a 1");
      assertThat(worker.stats().handled()).isEqualTo(1);
    }
  }

  @Test
  void U3_storeForgetsEverythingWhileTheHandlerRuns_theWorkIsAckedOnce() throws Exception {
    rig.enqueue("a");
    try (Worker worker = rig.worker().dedup(store, BY_TEXT).handler(this::noteAndWait).start()) {
      started.await();
      store.flush();
      finish.countDown();
      awaitAllAcked(worker);
      assertThat(store.refused).hasValue(1);
      assertThat(ran).containsExactly("a 1");
    }
  }

  @Test
  void U2_claimEndedWhileRunning_theLateCompleteIsRefusedAndTheOtherClaimStays() throws Exception {
    rig.enqueue("a");
    store.extensionsFail = true;
    try (Worker worker =
        rig.worker()
            .dedup(store, BY_TEXT.claimTerm(SECOND.multipliedBy(10)))
            .handler(this::noteAndWait)
            .start()) {
      started.await();
      rig.advanceInSteps(SECOND.multipliedBy(10), SECOND);
      Claim other = Claim.on(key("a"));
      assertThat(store.other().claim(other, MINUTE).join())
          .isInstanceOf(ClaimOutcome.Granted.class);
      finish.countDown();
      awaitAllAcked(worker);
      assertThat(store.refused).hasValue(1);
      assertThat(store.completed).hasValue(0);
      assertThat(store.other().extend(other, MINUTE).join()).isTrue();
    }
  }

  @Test
  void U2_theClaimIsExtendedWhileTheHandlerRuns() throws Exception {
    rig.enqueue("a");
    try (Worker worker =
        rig.worker()
            .dedup(store, BY_TEXT.claimTerm(SECOND.multipliedBy(6)))
            .handler(this::noteAndWait)
            .start()) {
      started.await();
      for (int i = 0; i < 100; i++) {
        rig.advance(SECOND);
        assertThat(askAsAnother("a"))
            .isInstanceOfSatisfying(
                ClaimOutcome.InProgress.class,
                claimed ->
                    assertThat(claimed.remaining())
                        .isBetween(SECOND.multipliedBy(2), SECOND.multipliedBy(6)));
      }
      assertThat(store.extended.get()).as("every 2 or 3 s").isBetween(33, 50);
      finish.countDown();
      awaitAllAcked(worker);
      assertThat(askAsAnother("a")).isInstanceOf(ClaimOutcome.Finished.class);
      int timers = rig.time.pendingTimers();
      rig.advance(MINUTE);
      assertThat(rig.time.pendingTimers()).as("no heartbeat without claims").isLessThan(timers + 1);
      assertThat(store.extended.get()).isBetween(33, 50);
    }
  }

  /** A handler that notices the loss may return with nothing done: that is not finished work. */
  @Test
  void U3_leaseLostAndTheHandlerReturns_isNotTakenForFinished() throws Exception {
    rig.enqueue("a");
    AtomicInteger attempts = new AtomicInteger();
    WorkQueue queue =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
            return CompletableFuture.completedFuture(Settlement.UNKNOWN);
          }
        };
    try (Worker worker =
        rig.worker(queue)
            .dedup(store, BY_TEXT)
            .handler(
                (delivery, context) -> {
                  note(delivery, context);
                  if (attempts.incrementAndGet() == 1) {
                    started.countDown();
                    while (!context.isLeaseLost()) {
                      Thread.yield();
                    }
                    boolean unused = Thread.interrupted();
                  }
                })
            .start()) {
      started.await();
      rig.advanceInSteps(Rig.LEASE.plusSeconds(1), SECOND);
      Rig.eventually(
          "completed",
          () -> {
            rig.advance(SECOND);
            return store.completed.get() == 1;
          });
      awaitAllAcked(worker);
      assertThat(ran).containsExactly("a 1", "a 2");
      assertThat(store.completed).hasValue(1);
    }
  }

  @Test
  void U2_failedWorkIsFreeForItsRetryAtOnce() {
    rig.enqueue("a");
    AtomicInteger attempts = new AtomicInteger();
    try (Worker worker =
        rig.worker()
            .dedup(store, BY_TEXT.claimTerm(Duration.ofSeconds(20)))
            .handler(
                (delivery, context) -> {
                  note(delivery, context);
                  if (attempts.incrementAndGet() == 1) {
                    throw new IllegalStateException("made up");
                  }
                })
            .start()) {
      rig.awaitDepth(0, 0, 1);
      rig.advance(SECOND);
      awaitAllAcked(worker);
      assertThat(ran).containsExactly("a 1", "a 2");
      assertThat(worker.stats().returned()).isZero();
    }
  }

  @Test
  void U3_deadLetteredWorkIsNotTakenForFinished() {
    rig.enqueue("a");
    try (Worker worker =
        rig.worker()
            .dedup(store, BY_TEXT)
            .deciding(
                (delivery, context) -> {
                  note(delivery, context);
                  return Outcome.deadLetter(new IllegalStateException("made up"));
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.deadLettered() == 1 && stats.running() == 0);
      rig.enqueue("a");
      rig.awaitStats(worker, stats -> stats.deadLettered() == 2 && stats.running() == 0);
      assertThat(ran).containsExactly("a 1", "a 1");
    }
  }

  @Test
  void U2_equalWorkInFlightIsRunOnceAndSettledTogether() throws Exception {
    int copies = 5;
    for (int i = 0; i < copies; i++) {
      rig.enqueue("a");
    }
    rig.enqueue("b");
    try (Worker worker =
        rig.worker()
            .slots(10)
            .dedup(store, BY_TEXT)
            .handler(
                (delivery, context) -> {
                  if (delivery.message().text().equals("a")) {
                    noteAndWait(delivery, context);
                  } else {
                    note(delivery, context);
                  }
                })
            .start()) {
      started.await();
      rig.awaitDepth(0, copies, 0);
      rig.advanceInSteps(Rig.LEASE.multipliedBy(3), SECOND);
      rig.awaitDepth(0, copies, 0);
      finish.countDown();
      awaitAllAcked(worker);
      assertThat(ran).containsExactlyInAnyOrder("a 1", "b 1");
      assertThat(worker.stats().leaseLost()).isZero();
    }
  }

  @Test
  void U2_equalWorkInFlight_whenTheFirstFailsTheNextRuns() throws Exception {
    rig.enqueue("a");
    rig.enqueue("a");
    rig.enqueue("a");
    AtomicInteger runs = new AtomicInteger();
    try (Worker worker =
        rig.worker()
            .slots(3)
            .dedup(store, BY_TEXT)
            .handler(
                (delivery, context) -> {
                  note(delivery, context);
                  if (runs.incrementAndGet() == 1) {
                    started.countDown();
                    finish.await();
                    throw new IllegalStateException("made up");
                  }
                })
            .start()) {
      started.await();
      rig.awaitDepth(0, 3, 0);
      finish.countDown();
      rig.awaitDepth(0, 0, 1);
      assertThat(ran).containsExactly("a 1", "a 1");
      rig.advance(SECOND);
      awaitAllAcked(worker);
      assertThat(ran).as("the retry of the first is recognised").hasSize(2);
    }
  }

  @Test
  void S1_closeGivesBackWhatWaitsForItsTwin() throws Exception {
    rig.enqueue("a");
    rig.enqueue("a");
    Worker worker = rig.worker().slots(2).dedup(store, BY_TEXT).handler(this::noteAndWait).start();
    started.await();
    rig.awaitDepth(0, 2, 0);
    CompletableFuture<Void> closed = CompletableFuture.runAsync(worker::close);
    rig.awaitDepth(1, 1, 0);
    finish.countDown();
    closed.join();
    rig.awaitDepth(1, 0, 0);
    assertThat(ran).containsExactly("a 1");
    try (Worker next = rig.worker().dedup(store, BY_TEXT).handler(this::note).start()) {
      awaitAllAcked(next);
      assertThat(ran).hasSize(1);
    }
  }

  @Test
  void U2_aDuplicateIsAnsweredWithTheResultAndWithoutRunning() throws Exception {
    rig.enqueue("a");
    rig.enqueue("a");
    List<String> answers = new CopyOnWriteArrayList<>();
    AtomicInteger refusals = new AtomicInteger(1);
    try (Worker worker =
        rig.worker()
            .slots(2)
            .dedup(
                store,
                BY_TEXT.duplicates(
                    (delivery, result) -> {
                      if (refusals.getAndDecrement() > 0) {
                        throw new IllegalStateException("made up");
                      }
                      answers.add(result.map(bytes -> "result " + bytes[0]).orElse("none"));
                    }))
            .handler(
                (delivery, context) -> {
                  context.keepResult(new byte[] {7});
                  noteAndWait(delivery, context);
                })
            .start()) {
      started.await();
      rig.awaitDepth(0, 2, 0);
      finish.countDown();
      // The first answer fails and is given another time.
      rig.awaitDepth(0, 0, 1);
      assertThat(answers).isEmpty();
      rig.advance(SECOND.multipliedBy(8));
      awaitAllAcked(worker);
      rig.enqueue("a");
      awaitAllAcked(worker);
      assertThat(answers).containsExactly("result 7", "result 7");
      assertThat(ran).containsExactly("a 1");
    }
  }

  @Test
  void U3_aKeyThatCannotBeTold_isRunWithoutDedup() {
    rig.enqueue("a");
    try (Worker worker =
        rig.worker()
            .dedup(
                store,
                DedupOptions.defaults()
                    .key(
                        delivery -> {
                          throw new IllegalStateException("made up");
                        }))
            .handler(this::note)
            .start()) {
      awaitAllAcked(worker);
      assertThat(ran).containsExactly("a 1");
    }
  }

  /** A flood of returns that count would dead-letter healthy work. */
  @Test
  void U2_whereReturnsBurnAttempts_theWorkWaitsInItsSlot() {
    assertThat(askAsAnother("a")).isInstanceOf(ClaimOutcome.Granted.class);
    rig.enqueue("a");
    WorkQueue queue =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public Capabilities capabilities() {
            Capabilities can = super.capabilities();
            return new Capabilities(
                can.backend(),
                can.minLease(),
                can.maxLease(),
                can.maxLeaseTotal(),
                can.lateness(),
                can.failureDetection(),
                can.maxEnqueueDelay(),
                can.maxReleaseDelay(),
                can.maxMessageBytes(),
                can.maxHeaders(),
                can.maxKeyBytes(),
                can.maxDedupIdBytes(),
                can.enqueueBatch(),
                can.receiveBatch(),
                can.settleBatch(),
                can.dedupWindow(),
                can.ordering(),
                can.exclusivity(),
                can.attemptPrecision(),
                can.fencing(),
                false,
                can.deadLetters());
          }
        };
    try (Worker worker = rig.worker(queue).dedup(store, BY_TEXT).handler(this::note).start()) {
      rig.awaitStats(worker, stats -> stats.running() == 1);
      rig.advanceInSteps(MINUTE.minusSeconds(1), SECOND);
      rig.awaitDepth(0, 1, 0);
      assertThat(ran).isEmpty();
      Rig.eventually(
          "handled",
          () -> {
            rig.advance(SECOND);
            return worker.stats().handled() == 1;
          });
      awaitAllAcked(worker);
      assertThat(ran).containsExactly("a 1");
    }
  }

  @Test
  void U2_listenersHearOfWorkThatIsFinishedOrInFlight() throws Exception {
    List<String> heard = new CopyOnWriteArrayList<>();
    WorkerListener listener =
        new WorkerListener() {
          @Override
          public void duplicate(Delivery delivery, DuplicateKind kind) {
            heard.add(delivery.message().text() + " " + kind);
          }

          @Override
          public void skipped(Delivery delivery, SkipReason why) {
            heard.add(delivery.message().text() + " skipped " + why);
          }
        };
    assertThat(askAsAnother("elsewhere")).isInstanceOf(ClaimOutcome.Granted.class);
    try (Worker worker =
        rig.worker()
            .slots(2)
            .dedup(store, BY_TEXT)
            .listener(listener)
            .handler(this::noteAndWait)
            .start()) {
      rig.enqueue("a");
      started.await();
      rig.enqueue("a");
      Rig.eventually("the twin is recognised", () -> heard.size() == 1);
      finish.countDown();
      awaitAllAcked(worker);
      rig.enqueue("a");
      awaitAllAcked(worker);
      rig.enqueue("elsewhere");
      rig.awaitDepth(0, 0, 1);
      Rig.eventually("the last one is heard", () -> heard.size() == 6);
      assertThat(ran).containsExactly("a 1");
      assertThat(heard)
          .containsExactly(
              "a IN_FLIGHT",
              "a skipped DUPLICATE",
              "a FINISHED",
              "a skipped DUPLICATE",
              "elsewhere IN_FLIGHT",
              "elsewhere skipped IN_PROGRESS");
    }
  }
}
