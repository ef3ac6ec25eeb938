package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.JsonCodec;
import dev.forebay.queue.Message;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.dedup.DedupOptions;
import dev.forebay.queue.policy.ThrottledException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Micro-batches: filled, lingered, grouped, and each message settled on its own (W3). */
class WorkerBatchTest {

  record Prompt(String id) {}

  private static final Duration LINGER = Duration.ofSeconds(2);

  private final Rig rig = new Rig();
  private final List<String> batches = new CopyOnWriteArrayList<>();

  private static String texts(List<BatchItem<Delivery>> items) {
    return items.stream()
        .map(item -> item.value().message().text())
        .collect(Collectors.joining(" "));
  }

  private WorkerBuilder worker(BatchOptions options) {
    return rig.worker().batches(options.linger(LINGER), items -> batches.add(texts(items)));
  }

  private void enqueue(String... texts) {
    for (String text : texts) {
      rig.enqueue(text);
    }
  }

  @Test
  void W3_aFullBatchDoesNotWait() {
    enqueue("a", "b", "c", "d", "e", "f");
    try (Worker worker = worker(BatchOptions.of(3)).start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 6 && stats.running() == 0);
      assertThat(batches).containsExactly("a b c", "d e f");
      rig.awaitDepth(0, 0, 0);
    }
  }

  @Test
  void W3_theLingerEndsTheWaitOfAPartOfABatchWhoseLeasesAreKept() {
    enqueue("a", "b");
    try (Worker worker = worker(BatchOptions.of(3)).start()) {
      rig.awaitDepth(0, 2, 0);
      Rig.eventually("lingering", () -> worker.stats().running() == 2);
      rig.advance(LINGER.minusMillis(1));
      assertThat(batches).isEmpty();
      rig.advance(Duration.ofMillis(1));
      rig.awaitStats(worker, stats -> stats.handled() == 2);
      assertThat(batches).containsExactly("a b");
    }
    enqueue("c");
    try (Worker worker =
        rig.worker()
            .batches(
                BatchOptions.of(3).linger(Rig.LEASE.multipliedBy(3)),
                items -> batches.add(texts(items)))
            .start()) {
      rig.awaitDepth(0, 1, 0);
      rig.awaitStats(worker, stats -> stats.running() == 1);
      rig.advanceInSteps(Rig.LEASE.multipliedBy(3), Duration.ofSeconds(1));
      rig.awaitStats(worker, stats -> stats.handled() == 1);
      assertThat(worker.stats().leaseLost()).isZero();
      assertThat(worker.stats().extensions()).isGreaterThanOrEqualTo(6);
    }
  }

  @Test
  void W3_aBudgetEndsABatchAndTheTooExpensiveGoesAlone() {
    enqueue("xx", "xxx", "xxxxxxxxxxxxxxxx", "x", "xxxxxxxxx");
    try (Worker worker = worker(BatchOptions.of(10).budget(10, Message::bodySize)).start()) {
      Rig.eventually("received", () -> worker.stats().running() + worker.stats().handled() == 5);
      Rig.eventually(
          "all handled",
          () -> {
            rig.advance(LINGER);
            return worker.stats().handled() == 5;
          });
      assertThat(batches).containsExactly("xx xxx", "xxxxxxxxxxxxxxxx", "x xxxxxxxxx");
    }
  }

  @Test
  void W3_onlyWhatHasTheSameKeyGoesTogether() {
    enqueue("a1", "b1", "a2", "b2");
    try (Worker worker =
        worker(BatchOptions.of(2).groupBy(message -> message.text().substring(0, 1)))
            .slots(2)
            .start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 4);
      assertThat(batches).containsExactlyInAnyOrder("a1 a2", "b1 b2");
    }
  }

  @Test
  void W3_whatHasNoKeyGoesTogetherAndAFunctionThatFailsStopsNothing() {
    enqueue("a1", "-1", "!1", "a2", "-2", "!2");
    try (Worker worker =
        worker(BatchOptions.of(2).groupBy(WorkerBatchTest::keyOrNothing)).slots(3).start()) {
      Rig.eventually(
          "all handled",
          () -> {
            rig.advance(LINGER);
            return worker.stats().handled() == 6;
          });
      assertThat(batches).containsExactlyInAnyOrder("a1 a2", "-1 !1", "-2 !2");
    }
  }

  @SuppressWarnings("NullAway") // What users may do all the same.
  private static String keyOrNothing(Message message) {
    return switch (message.text().charAt(0)) {
      case '-' -> null;
      case '!' -> throw new IllegalStateException("made up");
      default -> message.text().substring(0, 1);
    };
  }

  /** One claim after another would keep the first of a batch waiting for all of them. */
  @Test
  void W3_theClaimsOfABatchAreWaitedForTogether() {
    TestDedupStore store = new TestDedupStore(rig.time);
    store.state = TestDedupStore.State.SILENT;
    DedupOptions byText =
        DedupOptions.defaults()
            .key(delivery -> DedupKey.of(delivery.message().text()))
            .storeTimeout(Duration.ofSeconds(1));
    enqueue("a", "b", "c", "d", "b");
    try (Worker worker = worker(BatchOptions.of(5)).dedup(store, byText).start()) {
      Rig.eventually("all are asked for, in no time", () -> store.failed.get() == 4);
      // One without an answer takes a second, in which the worker may just begin to wait.
      Rig.eventually(
          "all handled",
          () -> {
            rig.advance(Duration.ofSeconds(1));
            return worker.stats().handled() == 4;
          });
      rig.awaitDepth(0, 0, 0);
      assertThat(batches).containsExactly("a b c d");
    }
  }

  @Test
  void W3_onePoisonItemDoesNotFailTheOthers() {
    enqueue("a", "b", "poison", "d");
    Set<String> done = ConcurrentHashMap.newKeySet();
    try (Worker worker =
        rig.worker()
            .retry(Rig.RETRY.maxAttempts(1))
            .batches(
                BatchOptions.of(4).linger(LINGER),
                items -> {
                  batches.add(texts(items));
                  if (texts(items).contains("poison")) {
                    throw new IOException("bad input");
                  }
                  items.forEach(item -> done.add(item.value().message().text()));
                })
            .start()) {
      rig.awaitStats(
          worker,
          stats -> stats.handled() == 3 && stats.deadLettered() == 1 && stats.running() == 0);
      assertThat(done).containsExactlyInAnyOrder("a", "b", "d");
      assertThat(batches).containsExactly("a b poison d", "a b", "poison d", "poison", "d");
    }
    assertThat(rig.dead.poll(Duration.ZERO).orElseThrow().deadLetter().orElseThrow().cause())
        .isEqualTo(new DeadLetterCause("IOException", "bad input"));
  }

  @Test
  void W3_eachItemIsSettledByWhatWasSaidToIt() {
    enqueue("ack", "retry", "dead", "back");
    try (Worker worker =
        rig.worker()
            .batches(
                BatchOptions.of(4).linger(LINGER),
                items -> {
                  for (BatchItem<Delivery> item : items) {
                    boolean again = item.value().attempts().failed() > 0;
                    if (again || item.value().attempts().returned() > 0) {
                      continue;
                    }
                    switch (item.value().message().text()) {
                      case "retry" -> item.fail(new IOException("busy"));
                      case "dead" -> item.decide(Outcome.deadLetter(new IOException("gone")));
                      case "back" -> item.decide(Outcome.giveBack());
                      default -> {}
                    }
                  }
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.retried() == 1 && stats.deadLettered() == 1);
      Rig.eventually(
          "all done",
          () -> {
            rig.advance(Duration.ofSeconds(1));
            return worker.stats().handled() == 3;
          });
      assertThat(worker.stats().returned()).isEqualTo(1);
    }
  }

  @Test
  void W3_aThrottledBatchIsNotRunAgainAtOnceAndBurnsNoAttempt() {
    enqueue("a", "b");
    try (Worker worker =
        rig.worker()
            .batches(
                BatchOptions.of(2).linger(LINGER),
                items -> {
                  batches.add(texts(items));
                  if (batches.size() == 1) {
                    throw new ThrottledException("429", Duration.ofSeconds(5));
                  }
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.throttled() == 2 && stats.running() == 0);
      rig.awaitDepth(0, 0, 2);
      assertThat(batches).hasSize(1);
      rig.advance(Duration.ofSeconds(5));
      Rig.eventually(
          "handled",
          () -> {
            rig.advance(LINGER);
            return worker.stats().handled() == 2;
          });
      assertThat(worker.stats().failed()).isZero();
    }
  }

  @Test
  void W3_undecodableAndExpiredItemsAreLeftOut() {
    rig.queue.enqueue(Message.json(new Prompt("late")).deadline(Duration.ofSeconds(1)));
    rig.advance(Duration.ofSeconds(1));
    rig.queue.enqueue(Message.json(new Prompt("p")));
    rig.enqueue("no JSON");
    try (Worker worker =
        rig.worker()
            .batches(
                BatchOptions.of(3).linger(LINGER),
                JsonCodec.of(Prompt.class),
                items -> items.forEach(item -> batches.add(item.value().id())))
            .start()) {
      rig.awaitStats(
          worker,
          stats -> stats.handled() == 1 && stats.deadLettered() == 2 && stats.running() == 0);
      assertThat(batches).containsExactly("p");
      assertThat(worker.stats().expired()).isEqualTo(1);
    }
  }

  @Test
  void A1_anItemThatTheHandlerSettlesByItselfTouchesNoOther() throws Exception {
    enqueue("a", "b");
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch finish = new CountDownLatch(1);
    List<Boolean> lost = new CopyOnWriteArrayList<>();
    try (Worker worker =
        rig.worker()
            .batches(
                BatchOptions.of(2).linger(LINGER),
                items -> {
                  if (started.getCount() == 0) {
                    return;
                  }
                  // Settled by the handler itself, so that its lease is not kept.
                  items.get(0).value().release(Duration.ofHours(1)).join();
                  started.countDown();
                  finish.await();
                  items.forEach(item -> lost.add(item.context().isLeaseLost()));
                })
            .start()) {
      started.await();
      rig.advanceInSteps(Rig.LEASE.multipliedBy(2), Duration.ofSeconds(1));
      finish.countDown();
      rig.awaitStats(worker, stats -> stats.running() == 0);
      assertThat(worker.stats().staleSettlements()).isEqualTo(1);
      assertThat(worker.stats().leaseLost()).isZero();
      rig.awaitDepth(0, 0, 1);
      assertThat(lost).containsExactly(false, false);
    }
  }

  @Test
  void S1_whatWaitsForItsBatchIsGivenBackAtClose() {
    enqueue("a", "b");
    Worker worker = worker(BatchOptions.of(3)).start();
    rig.awaitStats(worker, stats -> stats.running() == 2);
    worker.close();
    rig.awaitDepth(2, 0, 0);
    assertThat(batches).isEmpty();
    // A poll under way when the worker closes may bring them once more, to be given back again.
    assertThat(worker.stats().returned()).isGreaterThanOrEqualTo(2);
    assertThat(worker.stats().handled()).isZero();
  }
}
