package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.Message;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** What comes next, and how much may run at once: lanes, deadlines, permits, limits (W5, W6). */
class WorkerOrderTest {

  private final Rig rig = new Rig();
  private final InMemoryWorkQueue second =
      InMemoryWorkQueue.builder(rig.name + "-2").store(rig.store).lease(Rig.LEASE).build();
  private final List<String> ran = new CopyOnWriteArrayList<>();
  private final CountDownLatch first = new CountDownLatch(1);
  private final CountDownLatch ready = new CountDownLatch(1);

  private void enqueueSecond(String text) {
    second.enqueue(Message.text(text)).join().orThrow();
  }

  /**
   * The order in which messages run on one slot, all of them received before the second one starts.
   */
  private List<String> order(
      int messages, Duration wait, UnaryOperator<WorkerBuilder> settings, Runnable enqueueRest)
      throws InterruptedException {
    return orderByDefault(
        messages, wait, builder -> settings.apply(builder.prefetch(messages)), enqueueRest);
  }

  /** The same without a prefetch of its own. */
  private List<String> orderByDefault(
      int messages, Duration wait, UnaryOperator<WorkerBuilder> settings, Runnable enqueueRest)
      throws InterruptedException {
    rig.enqueue("first");
    try (Worker worker =
        settings
            .apply(
                rig.worker()
                    .handler(
                        (delivery, context) -> {
                          ran.add(delivery.message().text());
                          if (ran.size() == 1) {
                            first.countDown();
                            ready.await();
                          }
                        }))
            .start()) {
      first.await();
      enqueueRest.run();
      rig.awaitStats(worker, stats -> stats.running() == messages + 1);
      rig.advance(wait);
      ready.countDown();
      rig.awaitStats(worker, stats -> stats.handled() == messages + 1 && stats.running() == 0);
    }
    return ran.subList(1, ran.size());
  }

  @Test
  void W5_theEarliestDeadlineComesFirstWhereAsked() throws Exception {
    List<String> order =
        orderByDefault(
            4,
            Duration.ZERO,
            WorkerBuilder::earliestDeadlineFirst,
            () -> {
              rig.enqueue("none");
              for (int seconds : List.of(30, 10, 20)) {
                rig.queue.enqueue(
                    Message.text("in " + seconds).deadline(Duration.ofSeconds(seconds)));
              }
            });
    assertThat(order).containsExactly("in 10", "in 20", "in 30", "none");
  }

  @Test
  void W1_prefetchedMessagesKeepTheirOrderAndTheirLeases() throws Exception {
    List<String> order =
        order(
            3,
            Duration.ZERO,
            settings -> settings,
            () -> {
              for (int i = 0; i < 3; i++) {
                rig.enqueue("m" + i);
              }
              rig.awaitDepth(0, 4, 0);
              rig.advanceInSteps(Rig.LEASE.multipliedBy(2), Duration.ofSeconds(1));
              rig.awaitDepth(0, 4, 0);
            });
    assertThat(order).containsExactly("m0", "m1", "m2");
  }

  @Test
  void W6_lanesTakeTurnsByTheirWeights() throws Exception {
    List<String> order =
        order(
            16,
            Duration.ZERO,
            settings -> settings.prefetch(8).lane(second, 3),
            () -> {
              for (int i = 0; i < 8; i++) {
                rig.enqueue("light");
                enqueueSecond("heavy");
              }
            });
    assertThat(order.subList(0, 8).stream().filter("heavy"::equals)).hasSizeBetween(5, 7);
    assertThat(order.subList(0, 8).stream().filter("light"::equals)).hasSizeBetween(1, 3);
  }

  /** More of the heavy lane wait than of the light one, else it would miss its turns. */
  @Test
  void W6_lanesTakeTurnsByTheirWeightsWithoutAPrefetchToo() throws Exception {
    rig.enqueue("first");
    try (Worker worker =
        rig.worker()
            .lane(second, 3)
            .handler(
                (delivery, context) -> {
                  ran.add(delivery.message().text());
                  if (ran.size() == 1) {
                    first.countDown();
                    ready.await();
                  }
                })
            .start()) {
      first.await();
      for (int i = 0; i < 8; i++) {
        rig.enqueue("light");
        enqueueSecond("heavy");
      }
      rig.awaitStats(worker, stats -> stats.running() == 1 + 1 + 3);
      ready.countDown();
      rig.awaitStats(worker, stats -> stats.handled() == 17 && stats.running() == 0);
      assertThat(ran).startsWith("first", "heavy", "heavy", "heavy");
    }
  }

  @Test
  void W6_strictLanesGoInOrderUntilSomethingHasWaitedTooLong() throws Exception {
    List<String> order =
        order(
            8,
            Duration.ofSeconds(5),
            settings -> settings.prefetch(4).lane(second, 1).strictLanes(),
            () -> {
              for (int i = 0; i < 4; i++) {
                enqueueSecond("later");
                rig.enqueue("sooner");
              }
            });
    assertThat(order.subList(0, 4)).containsOnly("sooner");
    assertThat(order.subList(4, 8)).containsOnly("later");
  }

  @Test
  void W6_theOrderOfLanesIsFairAndAgeingGoesFirst() {
    LaneOrder byWeight = new LaneOrder(new int[] {1, 3}, false, 100);
    List<Integer> turns = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      int lane = byWeight.next(new long[] {0, 0});
      byWeight.took(lane);
      turns.add(lane);
    }
    assertThat(turns).filteredOn(lane -> lane == 1).hasSize(6);
    for (int i = 0; i < 1_000; i++) {
      byWeight.took(byWeight.next(new long[] {LaneOrder.NOTHING, 0}));
    }
    int claimed = 0;
    for (int i = 0; i < 8; i++) {
      int lane = byWeight.next(new long[] {0, 0});
      byWeight.took(lane);
      claimed += lane == 0 ? 1 : 0;
    }
    assertThat(claimed).as("no claim to missed turns").isBetween(2, 3);

    LaneOrder strict = new LaneOrder(new int[] {1, 1, 1}, true, 100);
    assertThat(strict.next(new long[] {LaneOrder.NOTHING, 5, 99})).isEqualTo(1);
    assertThat(strict.next(new long[] {0, 120, 130})).as("the oldest").isEqualTo(2);
    assertThat(strict.next(new long[] {-1, -1, -1})).isEqualTo(-1);
  }

  @Test
  void W1_aLaneWithNothingElseToDoUsesAllSlotsAndAllLanesDrain() {
    Semaphore go = new Semaphore(0);
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    for (int i = 0; i < 20; i++) {
      enqueueSecond("b");
    }
    try (Worker worker =
        rig.worker()
            .slots(4)
            .lane(second, 1)
            .handler(
                (delivery, context) -> {
                  most.accumulateAndGet(running.incrementAndGet(), Math::max);
                  go.acquire();
                  running.decrementAndGet();
                })
            .start()) {
      Rig.eventually("all slots", () -> running.get() == 4);
      for (int i = 0; i < 5; i++) {
        rig.enqueue("a");
      }
      go.release(100);
      rig.awaitStats(worker, stats -> stats.handled() == 25 && stats.running() == 0);
      assertThat(most).hasValue(4);
    }
    assertThat(second.depth().backlog()).isZero();
  }

  @Test
  void W6_permitsBoundWhatRunsTogetherAndABigOneIsNotPassedBy() {
    Semaphore go = new Semaphore(0);
    AtomicInteger inUse = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    for (int cost : List.of(3, 3, 4, 9, 1, 100, 2)) {
      rig.enqueue("x".repeat(cost));
    }
    try (Worker worker =
        rig.worker()
            .slots(7)
            .permits(10, Message::bodySize)
            .handler(
                (delivery, context) -> {
                  int cost = Math.min(10, delivery.message().bodySize());
                  most.accumulateAndGet(inUse.addAndGet(cost), Math::max);
                  ran.add(String.valueOf(delivery.message().bodySize()));
                  go.acquire();
                  inUse.addAndGet(-cost);
                })
            .start()) {
      Rig.eventually("three fit", () -> ran.size() == 3);
      assertThat(ran).containsExactlyInAnyOrder("3", "3", "4");
      go.release(2);
      rig.awaitStats(worker, stats -> stats.handled() == 2);
      assertThat(ran).as("nothing passes the one of 9").hasSize(3);
      go.release(100);
      rig.awaitStats(worker, stats -> stats.handled() == 7 && stats.running() == 0);
      assertThat(most).hasValue(10);
      assertThat(worker.stats().failed()).isZero();
    }
  }

  @Test
  void W6_aCostFunctionThatFailsCountsOne() {
    rig.enqueue("a");
    try (Worker worker =
        rig.worker()
            .permits(
                10,
                message -> {
                  throw new IllegalStateException("made up");
                })
            .handler((delivery, context) -> {})
            .start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 1);
    }
  }

  @Test
  void W6_aConcurrencyLimitIsKeptAndToldHowHandlersFare() {
    AtomicInteger allowed = new AtomicInteger(2);
    AtomicInteger told = new AtomicInteger();
    AtomicBoolean beyond = new AtomicBoolean();
    Semaphore go = new Semaphore(0);
    AtomicInteger running = new AtomicInteger();
    ConcurrencyLimit limit =
        new ConcurrencyLimit() {
          @Override
          public int limit() {
            return allowed.get();
          }

          @Override
          public void ended(Duration ranFor, int besides, boolean dropped) {
            beyond.compareAndSet(false, besides > 5);
            if (told.incrementAndGet() == 2) {
              allowed.set(5);
            }
          }
        };
    for (int i = 0; i < 20; i++) {
      rig.enqueue("m" + i);
    }
    try (Worker worker =
        rig.worker()
            .slots(8)
            .concurrencyLimit(limit)
            .handler(
                (delivery, context) -> {
                  running.incrementAndGet();
                  go.acquire();
                  running.decrementAndGet();
                })
            .start()) {
      Rig.eventually("two", () -> running.get() == 2);
      rig.awaitDepth(18, 2, 0);
      go.release(2);
      Rig.eventually("five once it learned", () -> running.get() == 5);
      rig.awaitDepth(13, 5, 0);
      go.release(100);
      rig.awaitStats(worker, stats -> stats.handled() == 20 && stats.running() == 0);
      assertThat(told).hasValue(20);
      assertThat(beyond).isFalse();
    }
  }

  @Test
  void S1_whatWaitsInALineIsGivenBackAtClose() throws Exception {
    for (int i = 0; i < 4; i++) {
      rig.enqueue("m" + i);
    }
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch finish = new CountDownLatch(1);
    Worker worker =
        rig.worker()
            .prefetch(3)
            .handler(
                (delivery, context) -> {
                  started.countDown();
                  finish.await();
                })
            .start();
    started.await();
    rig.awaitDepth(0, 4, 0);
    Thread closer = new Thread(worker::close);
    closer.start();
    rig.awaitDepth(3, 1, 0);
    finish.countDown();
    closer.join();
    assertThat(worker.stats().returned()).isEqualTo(3);
    assertThat(worker.stats().handled()).isEqualTo(1);
  }

  @Test
  void S2_settingsThatMakeNoSenseAreRefused() {
    assertThatThrownBy(() -> rig.worker().prefetch(-1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () ->
                rig.worker()
                    .handler((delivery, context) -> {})
                    .prefetch(0)
                    .earliestDeadlineFirst()
                    .start())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("prefetch(0)");
    assertThatThrownBy(() -> rig.worker().lane(second, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> rig.worker().permits(0, message -> 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> rig.worker().prefetch(1).batches(BatchOptions.of(2), items -> {}).start())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("batches");
  }

  @Test
  void S3_aLimitThatFailsStopsNothing() {
    AtomicBoolean started = new AtomicBoolean();
    ConcurrencyLimit broken =
        new ConcurrencyLimit() {
          @Override
          public int limit() {
            if (started.get()) {
              throw new IllegalStateException("made up");
            }
            return 1;
          }

          @Override
          public void ended(Duration ran, int running, boolean dropped) {
            throw new IllegalStateException("made up");
          }
        };
    try (Worker worker =
        rig.worker().slots(2).concurrencyLimit(broken).handler((d, c) -> {}).start()) {
      started.set(true);
      for (int i = 0; i < 10; i++) {
        rig.enqueue("m" + i);
      }
      rig.awaitStats(worker, stats -> stats.handled() == 10 && stats.running() == 0);
    }
  }
}
