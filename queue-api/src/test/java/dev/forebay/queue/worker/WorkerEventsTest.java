package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.dedup.DedupOptions;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.progress.InMemoryProgressStore;
import dev.forebay.queue.progress.ProgressStore;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a worker tells of its leases, its stores and its end (W7). */
class WorkerEventsTest {

  private static final Duration SECOND = Duration.ofSeconds(1);

  private final Rig rig = new Rig();
  private final List<String> heard = new CopyOnWriteArrayList<>();
  private final CountDownLatch started = new CountDownLatch(1);
  private final CountDownLatch finish = new CountDownLatch(1);
  private final ExecutorService helper = Executors.newCachedThreadPool();
  private final AtomicReference<Worker> closedByListener = new AtomicReference<>();

  private final WorkerListener notes =
      new WorkerListener() {
        @Override
        public void leaseLost(Delivery delivery) {
          heard.add("lost");
        }

        @Override
        public void wasted(Delivery delivery, Duration ran) {
          heard.add("wasted " + ran.toSeconds());
        }

        @Override
        public void extensionFailed(Delivery delivery, @Nullable Throwable failure) {
          heard.add("extension failed" + (failure == null ? "" : " " + failure.getMessage()));
        }

        @Override
        public void progressSaved(Delivery delivery, int bytes) {
          heard.add("saved " + bytes);
        }

        @Override
        public void storeDown(StoreKind store, @Nullable Throwable failure) {
          heard.add(store + " down");
        }

        @Override
        public void storeUp(StoreKind store) {
          heard.add(store + " up");
        }

        @Override
        public void drainBegun(Drain how) {
          heard.add("drain " + how);
          closeFromHere();
        }

        @Override
        public void drainEnded(Duration took, int left) {
          heard.add("drained after " + took.toSeconds() + ", left " + left);
          closeFromHere();
        }
      };

  /** What waited for itself would wait for ever. */
  private void closeFromHere() {
    Worker worker = closedByListener.get();
    if (worker != null) {
      worker.close();
    }
  }

  @AfterEach
  void end() {
    finish.countDown();
    helper.shutdownNow();
  }

  /** On the first attempt waits for the end of the test, whatever interrupts it. */
  private void hang(Delivery delivery, HandlerContext context) {
    if (context.attempt() > 1) {
      return;
    }
    started.countDown();
    boolean interrupted = false;
    while (finish.getCount() > 0) {
      try {
        finish.await();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Extensions end as told. */
  private WorkQueue extending(CompletableFuture<Settlement> end) {
    return new ForwardingWorkQueue(rig.queue) {
      @Override
      public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
        return end;
      }
    };
  }

  @Test
  void W7_aDrainIsHeardFromItsBeginningToItsEnd() {
    Worker worker =
        rig.worker().drain(Drain.CHECKPOINT).listener(notes).handler(this::hang).start();
    closedByListener.set(worker);
    assertThat(worker.isTerminated()).isFalse();
    worker.close();
    assertThat(worker.isTerminated()).isTrue();
    worker.close();
    assertThat(heard).containsExactly("drain CHECKPOINT", "drained after 0, left 0");
  }

  @Test
  void W7_aDrainSaysWhatItLeaves() throws Exception {
    rig.enqueue("a");
    Worker worker = rig.worker().listener(notes).handler(this::hang).start();
    started.await();
    Future<?> closing = helper.submit(() -> worker.drain(Drain.HAND_BACK));
    Rig.eventually(
        "closed",
        () -> {
          if (!closing.isDone()) {
            rig.advance(SECOND);
          }
          return closing.isDone();
        });
    assertThat(heard).hasSize(2).startsWith("drain HAND_BACK");
    assertThat(heard.get(1)).matches("drained after \\d+, left 1");
  }

  @Test
  void W7_extensionsThatFailAreHeardAndSoIsTheWasteOfALateAck() throws Exception {
    rig.enqueue("a");
    try (Worker worker =
        rig.worker(extending(CompletableFuture.completedFuture(Settlement.UNKNOWN)))
            // Looks at 9, 18, 27 and 36 s: the end of the lease, at 30 s, goes unnoticed until 36.
            .leases(LeasePolicy.defaults().jitter(0).extendAfter(0.6))
            .listener(notes)
            .handler(this::hang)
            .start()) {
      started.await();
      rig.advanceInSteps(Duration.ofSeconds(31), SECOND);
      finish.countDown();
      rig.awaitStats(worker, stats -> stats.staleSettlements() == 1 && stats.running() == 0);
      assertThat(heard)
          .containsExactly("extension failed", "extension failed", "lost", "wasted 31");
      assertThat(worker.stats().wasted()).isEqualTo(Duration.ofSeconds(31));
    }
  }

  @Test
  void W2_aHandlerThatRunsOnWithoutItsLeaseIsHungUntilItEnds() throws Exception {
    rig.enqueue("a");
    try (Worker worker =
        rig.worker(extending(CompletableFuture.failedFuture(new IllegalStateException("made up"))))
            .leases(LeasePolicy.defaults().jitter(0))
            .listener(notes)
            .handler(this::hang)
            .start()) {
      started.await();
      assertThat(worker.stats().hung()).isZero();
      rig.advanceInSteps(Duration.ofSeconds(40), SECOND);
      assertThat(worker.stats().hung()).isEqualTo(1);
      assertThat(worker.stats().wasted()).isEqualTo(Duration.ofSeconds(40));
      assertThat(heard).startsWith("extension failed made up").endsWith("lost");
      finish.countDown();
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
      assertThat(worker.stats().hung()).isZero();
      assertThat(heard).endsWith("lost", "wasted 40");
    }
  }

  @Test
  void W7_aDedupStoreIsSaidToBeDownOnceAndUpAgain() {
    TestDedupStore store = new TestDedupStore(rig.time);
    store.state = TestDedupStore.State.DOWN;
    try (Worker worker =
        rig.worker()
            .dedup(
                store,
                DedupOptions.defaults().key(delivery -> DedupKey.of(delivery.message().text())))
            .listener(notes)
            .handler((delivery, context) -> {})
            .start()) {
      rig.enqueue("a");
      rig.enqueue("b");
      rig.awaitStats(worker, stats -> stats.handled() == 2 && stats.running() == 0);
      assertThat(heard).containsExactly("DEDUP down");
      store.state = TestDedupStore.State.UP;
      rig.enqueue("c");
      rig.enqueue("d");
      rig.awaitStats(worker, stats -> stats.handled() == 4 && stats.running() == 0);
      assertThat(heard).containsExactly("DEDUP down", "DEDUP up");
    }
  }

  @Test
  void W7_aProgressStoreIsSaidToBeDownOnceAndUpAgain() {
    ProgressStore memory = InMemoryProgressStore.builder().time(rig.time).build();
    AtomicReference<ProgressStore> behind = new AtomicReference<>();
    ProgressStore store =
        new ProgressStore() {
          private ProgressStore target() {
            ProgressStore there = behind.get();
            if (there == null) {
              throw new IllegalStateException("made up");
            }
            return there;
          }

          @Override
          public CompletableFuture<Optional<byte[]>> load(DedupKey work, long token) {
            return target().load(work, token);
          }

          @Override
          public CompletableFuture<Boolean> save(
              DedupKey work, long token, byte[] progress, Duration retention) {
            return target().save(work, token, progress, retention);
          }

          @Override
          public CompletableFuture<Boolean> clear(DedupKey work, long token) {
            return target().clear(work, token);
          }
        };
    try (Worker worker =
        rig.worker()
            .progress(store)
            .listener(notes)
            .handler(
                (delivery, context) -> {
                  Optional<byte[]> unused = context.progress();
                  boolean saved = context.saveProgress(new byte[3]);
                  heard.add(saved ? "goes on" : "goes on unsaved");
                })
            .start()) {
      rig.enqueue("a");
      rig.enqueue("b");
      rig.awaitStats(worker, stats -> stats.handled() == 2 && stats.running() == 0);
      behind.set(memory);
      rig.enqueue("c");
      rig.enqueue("d");
      rig.awaitStats(worker, stats -> stats.handled() == 4 && stats.running() == 0);
      assertThat(heard)
          .containsExactly(
              "PROGRESS down",
              "goes on unsaved",
              "goes on unsaved",
              "PROGRESS up",
              "saved 3",
              "goes on",
              "saved 3",
              "goes on");
    }
  }
}
