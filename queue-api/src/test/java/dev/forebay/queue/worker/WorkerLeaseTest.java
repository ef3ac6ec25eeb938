package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.LeaseLostException;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Leases are kept while handlers run, and their loss stops them (L3, L4, L5, W2). */
class WorkerLeaseTest {

  private static final Duration SECOND = Duration.ofSeconds(1);

  private final Rig rig = new Rig();
  private final CountDownLatch started = new CountDownLatch(1);
  private final CountDownLatch finish = new CountDownLatch(1);

  /** Notes when extensions are asked for, and answers some of them badly. */
  private class Extensions extends ForwardingWorkQueue {
    final List<Long> atSeconds = Collections.synchronizedList(new ArrayList<>());
    final List<Duration> leases = Collections.synchronizedList(new ArrayList<>());
    final AtomicInteger unknown = new AtomicInteger();
    final AtomicInteger thrown = new AtomicInteger();
    volatile boolean down;

    Extensions(WorkQueue target) {
      super(target);
    }

    @Override
    public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
      atSeconds.add(Duration.ofNanos(rig.time.nanoTime()).toSeconds());
      leases.add(lease);
      if (thrown.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
        throw new IllegalStateException("made up");
      }
      if (down || unknown.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
        return CompletableFuture.completedFuture(Settlement.UNKNOWN);
      }
      return super.extend(delivery, lease);
    }
  }

  private void runUntilTold(HandlerContext context) throws InterruptedException {
    started.countDown();
    finish.await();
  }

  @Test
  void L3_workOfTenLeasesRunsOnceAndEachLeaseIsExtendedAfterAThird() throws Exception {
    rig.enqueue("long");
    Extensions queue = new Extensions(rig.queue);
    AtomicInteger runs = new AtomicInteger();
    try (Worker worker =
        rig.worker(queue)
            .slots(2)
            .leases(LeasePolicy.defaults().jitter(0))
            .handler(
                (delivery, context) -> {
                  runs.incrementAndGet();
                  runUntilTold(context);
                })
            .start()) {
      started.await();
      rig.advanceInSteps(Rig.LEASE.multipliedBy(10), SECOND);
      // Rounds come every 5 s; a third of 30 s is gone at 10 s, 20 s and so on.
      assertThat(queue.atSeconds.subList(0, 4)).containsExactly(10L, 20L, 30L, 40L);
      assertThat(queue.atSeconds).hasSize(30);
      assertThat(queue.leases).containsOnly(Rig.LEASE);
      finish.countDown();
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
      assertThat(runs).hasValue(1);
      assertThat(worker.stats().extensions()).isEqualTo(30);
      assertThat(worker.stats().leaseLost()).isZero();
      assertThat(worker.stats().busy()).isEqualTo(Rig.LEASE.multipliedBy(10));
      assertThat(worker.stats().wasted()).isZero();
    }
  }

  @Test
  void L3_theLeasesOfAllAreExtendedTogether() throws Exception {
    int count = 50;
    for (int i = 0; i < count; i++) {
      rig.enqueue("m" + i);
    }
    Extensions queue = new Extensions(rig.queue);
    CountDownLatch allStarted = new CountDownLatch(count);
    try (Worker worker =
        rig.worker(queue)
            .slots(count)
            .leases(LeasePolicy.defaults().seed(1))
            .handler(
                (delivery, context) -> {
                  allStarted.countDown();
                  finish.await();
                })
            .start()) {
      allStarted.await();
      int timers = rig.time.pendingTimers();
      assertThat(timers).as("timers do not grow with what runs").isLessThan(5);
      rig.advanceInSteps(Duration.ofSeconds(15), SECOND);
      assertThat(queue.atSeconds).hasSize(count);
      assertThat(queue.atSeconds.stream().distinct()).as("one round").hasSize(1);
      assertThat(queue.atSeconds.get(0)).isBetween(10L, 15L);
      finish.countDown();
      rig.awaitStats(worker, stats -> stats.handled() == count);
    }
  }

  @Test
  void L3_aPolicyMayAskForALongerLeaseThanTheQueueGrants() throws Exception {
    rig.enqueue("long");
    Extensions queue = new Extensions(rig.queue);
    try (Worker worker =
        rig.worker(queue)
            .leases(LeasePolicy.defaults().jitter(0).lease(Duration.ofMinutes(5)))
            .handler((delivery, context) -> runUntilTold(context))
            .start()) {
      started.await();
      rig.advanceInSteps(Duration.ofMinutes(6), SECOND);
      assertThat(queue.leases).containsOnly(Duration.ofMinutes(5));
      assertThat(queue.atSeconds).containsExactly(10L, 110L, 210L, 310L);
      finish.countDown();
      rig.awaitStats(worker, stats -> stats.handled() == 1);
    }
  }

  @Test
  void L3_anExtensionThatFailsIsTriedAgainWhileTheLeaseLasts() throws Exception {
    rig.enqueue("long");
    Extensions queue = new Extensions(rig.queue);
    queue.unknown.set(1);
    queue.thrown.set(1);
    try (Worker worker =
        rig.worker(queue)
            .leases(LeasePolicy.defaults().jitter(0))
            .handler((delivery, context) -> runUntilTold(context))
            .start()) {
      started.await();
      rig.advanceInSteps(Duration.ofSeconds(60), SECOND);
      assertThat(queue.atSeconds.subList(0, 4)).containsExactly(10L, 15L, 20L, 30L);
      finish.countDown();
      rig.awaitStats(worker, stats -> stats.handled() == 1);
      assertThat(worker.stats().leaseLost()).isZero();
    }
  }

  @Test
  void W2_aLostLeaseInterruptsTheHandlerAndItsResultIsNotAcked() throws Exception {
    rig.enqueue("unlucky");
    Extensions queue = new Extensions(rig.queue);
    queue.down = true;
    AtomicReference<HandlerContext> first = new AtomicReference<>();
    AtomicReference<Throwable> seen = new AtomicReference<>();
    List<Long> tokens = Collections.synchronizedList(new ArrayList<>());
    try (Worker worker =
        rig.worker(queue)
            .leases(LeasePolicy.defaults().jitter(0))
            .handler(
                (delivery, context) -> {
                  tokens.add(context.fencingToken());
                  if (!first.compareAndSet(null, context)) {
                    return;
                  }
                  try {
                    runUntilTold(context);
                  } catch (InterruptedException e) {
                    assertThat(context.isLeaseLost()).isTrue();
                    try {
                      context.checkLease();
                    } catch (LeaseLostException lost) {
                      seen.set(lost);
                    }
                    // Goes on and returns: a late result all the same.
                  }
                })
            .start()) {
      started.await();
      rig.advance(Duration.ofMillis(29_999));
      assertThat(first.get().isLeaseLost()).isFalse();
      // Not later than one interval after the lease's end (L4).
      rig.advance(Duration.ofMillis(5_001));
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
      assertThat(seen.get()).isInstanceOf(LeaseLostException.class);
      WorkerStats stats = worker.stats();
      assertThat(stats.leaseLost()).isEqualTo(1);
      assertThat(stats.wasted()).isBetween(Rig.LEASE, Duration.ofSeconds(35));
      assertThat(stats.failed()).as("a lost lease is no failure of the handler's").isZero();
      assertThat(stats.staleSettlements()).as("nothing was even tried").isZero();
      assertThat(tokens).as("L5").hasSize(2).isSorted().doesNotHaveDuplicates();
      rig.awaitDepth(0, 0, 0);
    }
  }

  @Test
  void W2_aLeaseThatEndsBeforeTheAckMakesItStaleAndTheTimeWasted() {
    rig.enqueue("unlucky");
    AtomicInteger acks = new AtomicInteger();
    WorkQueue slowToAck =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public CompletableFuture<Settlement> ack(Delivery delivery) {
            if (acks.incrementAndGet() == 1) {
              rig.advance(Rig.LEASE);
            }
            return super.ack(delivery);
          }
        };
    try (Worker worker =
        rig.worker(slowToAck).handler((delivery, context) -> rig.advance(SECOND)).start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
      assertThat(worker.stats().staleSettlements()).isEqualTo(1);
      assertThat(worker.stats().leaseLost()).isEqualTo(1);
      assertThat(worker.stats().wasted()).isEqualTo(SECOND);
      assertThat(worker.stats().busy()).isEqualTo(SECOND.multipliedBy(2));
      rig.awaitDepth(0, 0, 0);
    }
  }

  /** However the stay of a parked run ends whose lease was lost in it. */
  @Test
  void L4_aLeaseLostBeforeTheStartIsCountedAndToldOnce() {
    for (boolean settled : List.of(true, false)) {
      Rig own = new Rig();
      AtomicReference<Parking> parking = new AtomicReference<>();
      AtomicReference<Run> parked = new AtomicReference<>();
      AtomicInteger told = new AtomicInteger();
      WorkQueue unextendable =
          new ForwardingWorkQueue(own.queue) {
            @Override
            public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
              return CompletableFuture.completedFuture(Settlement.UNKNOWN);
            }
          };
      own.enqueue("m");
      try (Worker worker =
          own.worker(unextendable)
              .slots(2)
              .step(
                  context -> {
                    parking.set(context.parking());
                    return run -> parked.compareAndSet(null, run) ? Decision.PARK : Decision.GO;
                  })
              .listener(
                  new WorkerListener() {
                    @Override
                    public void leaseLost(Delivery delivery) {
                      told.incrementAndGet();
                    }
                  })
              .handler((delivery, context) -> {})
              .start()) {
        Rig.eventually("parked", () -> parked.get() != null);
        own.awaitDepth(0, 1, 0);
        own.advanceInSteps(Rig.LEASE.plusSeconds(6), SECOND);
        own.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 1);
        if (settled) {
          parking.get().settle(parked.get(), Outcome.ack(), SkipReason.DUPLICATE);
        } else {
          parking.get().resume(parked.get());
        }
        own.awaitStats(worker, stats -> stats.running() == 0);
        assertThat(told).hasValue(1);
        assertThat(worker.stats().leaseLost()).isEqualTo(1);
        assertThat(worker.stats().staleSettlements()).as("nothing was even tried").isZero();
        assertThat(worker.stats().duplicates()).isZero();
      }
    }
  }

  @Test
  void L2_aHungHandlersMessageComesBackAfterTheRunTimeWithoutItsSlot() throws Exception {
    rig.enqueue("hangs");
    AtomicInteger runs = new AtomicInteger();
    CountDownLatch second = new CountDownLatch(1);
    try (Worker worker =
        rig.worker()
            .slots(2)
            .leases(LeasePolicy.defaults().jitter(0).maxRunTime(Duration.ofMinutes(2)))
            .handler(
                (delivery, context) -> {
                  if (runs.incrementAndGet() == 1) {
                    started.countDown();
                    ignoringInterrupts(finish);
                  } else {
                    second.countDown();
                  }
                })
            .start()) {
      started.await();
      rig.advanceInSteps(Duration.ofSeconds(119), SECOND);
      assertThat(worker.stats().leaseLost()).isZero();
      // Last extended at 110 s, so the lease ends at 140 s.
      rig.advanceInSteps(Duration.ofSeconds(20), SECOND);
      assertThat(worker.stats().leaseLost()).isZero();
      rig.advanceInSteps(Duration.ofSeconds(6), SECOND);
      second.await();
      rig.awaitStats(worker, stats -> stats.handled() == 1);
      assertThat(worker.stats().leaseLost()).isEqualTo(1);
      assertThat(worker.stats().running()).as("it still hangs in its slot").isEqualTo(1);
      assertThat(worker.stats().wasted())
          .as("counted while it hangs")
          .isEqualTo(Duration.ofSeconds(145));
      finish.countDown();
      rig.awaitStats(worker, stats -> stats.running() == 0);
      assertThat(worker.stats().handled()).as("late result").isEqualTo(1);
      assertThat(worker.stats().wasted()).isEqualTo(Duration.ofSeconds(145));
    }
  }

  private static void ignoringInterrupts(CountDownLatch latch) {
    while (true) {
      try {
        latch.await();
        return;
      } catch (InterruptedException e) {
        // That is what a hung handler does.
      }
    }
  }

  @Test
  void P4_nothingStartsOnLessThanHalfALeaseItIsExtendedFirst() {
    rig.enqueue("warm-up");
    rig.enqueue("late");
    Extensions queue =
        new Extensions(rig.queue) {
          @Override
          public List<Delivery> poll(int max, Duration wait) {
            List<Delivery> taken = super.poll(max, wait);
            if (taken.stream().anyMatch(d -> d.message().text().equals("late"))) {
              // A pause of the machine between the poll's return and the start.
              rig.advance(Duration.ofSeconds(16));
            }
            return taken;
          }
        };
    List<Duration> remaining = Collections.synchronizedList(new ArrayList<>());
    try (Worker worker =
        rig.worker(queue)
            .handler((delivery, context) -> remaining.add(context.leaseRemaining()))
            .start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 2 && stats.running() == 0);
      assertThat(remaining).containsExactly(Rig.LEASE, Rig.LEASE);
      assertThat(worker.stats().extensions()).isEqualTo(1);
    }
  }

  @Test
  void P4_whatCannotBeExtendedIsGivenBackInsteadOfStarted() {
    rig.enqueue("warm-up");
    rig.enqueue("late");
    AtomicInteger pauses = new AtomicInteger(1);
    Extensions queue =
        new Extensions(rig.queue) {
          @Override
          public List<Delivery> poll(int max, Duration wait) {
            List<Delivery> taken = super.poll(max, wait);
            if (taken.stream().anyMatch(d -> d.message().text().equals("late"))
                && pauses.getAndDecrement() > 0) {
              rig.advance(Duration.ofSeconds(16));
            }
            return taken;
          }
        };
    queue.unknown.set(1);
    try (Worker worker = rig.worker(queue).handler((delivery, context) -> {}).start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 2 && stats.running() == 0);
      assertThat(worker.stats().returned()).isEqualTo(1);
      assertThat(worker.stats().extensions()).isZero();
      assertThat(worker.stats().leaseLost()).isZero();
    }
  }

  @Test
  void P4_aStepThatTakesHalfALeaseMakesItExtendedBeforeTheStart() {
    rig.enqueue("m");
    List<Duration> remaining = Collections.synchronizedList(new ArrayList<>());
    AtomicInteger asked = new AtomicInteger();
    AtomicInteger told = new AtomicInteger();
    Step slowOnce =
        new Step() {
          @Override
          public Decision before(Run run) {
            if (asked.incrementAndGet() == 1) {
              // The extensions of the heartbeat's rounds on the way fail.
              rig.time.advance(Duration.ofSeconds(16));
            }
            return Decision.GO;
          }

          @Override
          public void after(Run run, Result result) {
            told.incrementAndGet();
          }
        };
    Extensions queue = new Extensions(rig.queue);
    queue.unknown.set(2);
    try (Worker worker =
        rig.worker(queue)
            .step(context -> slowOnce)
            .handler((delivery, context) -> remaining.add(context.leaseRemaining()))
            .start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
      assertThat(remaining).containsExactly(Rig.LEASE);
      assertThat(asked).hasValue(2);
      assertThat(told).as("every time it was asked").hasValue(2);
    }
  }

  @Test
  void L2_whatIsLostBeforeItStartsIsNotStarted() {
    rig.enqueue("warm-up");
    rig.enqueue("late");
    AtomicInteger pauses = new AtomicInteger(1);
    WorkQueue queue =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public List<Delivery> poll(int max, Duration wait) {
            List<Delivery> taken = super.poll(max, wait);
            if (taken.stream().anyMatch(d -> d.message().text().equals("late"))
                && pauses.getAndDecrement() > 0) {
              rig.advance(Rig.LEASE);
            }
            return taken;
          }
        };
    List<Integer> attempts = Collections.synchronizedList(new ArrayList<>());
    try (Worker worker =
        rig.worker(queue).handler((delivery, context) -> attempts.add(context.attempt())).start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 2 && stats.running() == 0);
      assertThat(attempts).containsExactly(1, 2);
      assertThat(worker.stats().leaseLost()).isEqualTo(1);
      assertThat(worker.stats().busy()).isZero();
    }
  }
}
