package dev.forebay.queue.spi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.time.ManualTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LeasedDeliveryTest {

  private static final Duration LEASE = Duration.ofSeconds(30);

  private final ManualTimeSource time = new ManualTimeSource();
  private final WorkQueue queue = InMemoryWorkQueue.builder("q").time(time).build();

  private static final class Leased extends LeasedDelivery {
    final AtomicInteger decided = new AtomicInteger();

    Leased(WorkQueue queue, TimeSource time) {
      super(
          queue,
          Envelope.fresh("1", Message.text("x"), time.now()),
          7,
          time,
          time.nanoTime() + LEASE.toNanos());
    }

    @Override
    protected void decided() {
      decided.incrementAndGet();
    }
  }

  private Leased leased() {
    return new Leased(queue, time);
  }

  @Test
  void A1_theFirstSettlementWins() {
    Leased delivery = leased();
    assertThat(delivery.beginSettlement()).isTrue();
    assertThat(delivery.beginSettlement()).as("while the first is under way").isFalse();
    assertThat(delivery.settled()).as("in time").isTrue();
    assertThat(delivery.beginSettlement()).isFalse();
    time.advance(LEASE);
    assertThat(delivery.isLost()).as("a settled delivery is not lost").isFalse();
    assertThat(delivery.decided).hasValue(1);
  }

  @Test
  void A3_noSettlementBeginsAtOrAfterTheEndOfTheLease() {
    Leased delivery = leased();
    time.advance(LEASE.minusNanos(1));
    assertThat(delivery.isHeld()).isTrue();
    time.advance(Duration.ofNanos(1));
    assertThat(delivery.beginSettlement()).isFalse();
    assertThat(delivery.isLost()).isTrue();
    assertThat(delivery.leaseRemaining()).isZero();
    assertThat(delivery.decided).hasValue(1);
  }

  @Test
  void A3_aConfirmationAfterTheEndOfTheLeaseIsToldApart() {
    Leased delivery = leased();
    assertThat(delivery.beginSettlement()).isTrue();
    time.advance(LEASE);
    assertThat(delivery.isLost()).as("the settlement is still under way").isFalse();
    assertThat(delivery.settled()).as("not in time").isFalse();
  }

  @Test
  void L3_extendingMovesTheEndAsOftenAsWanted() {
    Leased delivery = leased();
    for (int i = 0; i < 10; i++) {
      time.advance(LEASE.dividedBy(2));
      assertThat(delivery.extendedTo(time.nanoTime() + LEASE.toNanos())).isTrue();
      assertThat(delivery.leaseRemaining()).isEqualTo(LEASE);
      assertThat(delivery.leaseUntil()).isEqualTo(time.now().plus(LEASE));
    }
    time.advance(LEASE);
    assertThat(delivery.extendedTo(time.nanoTime() + LEASE.toNanos())).isFalse();
  }

  @Test
  void L4_listenersHearOfTheEndWhenItComesAndOnlyOnce() {
    Leased delivery = leased();
    List<String> heard = new ArrayList<>();
    delivery.onLost(() -> heard.add("first"));
    delivery.onLost(() -> heard.add("second"));
    time.advance(LEASE.dividedBy(2));
    delivery.extendedTo(time.nanoTime() + LEASE.toNanos());
    time.advance(LEASE.minusNanos(1));
    assertThat(heard).isEmpty();
    time.advance(Duration.ofNanos(1));
    assertThat(heard).containsExactly("first", "second");
    delivery.lose();
    delivery.onLost(() -> heard.add("late"));
    assertThat(heard).containsExactly("first", "second", "late");
    assertThat(time.pendingTimers()).isZero();
  }

  @Test
  void L4_aSettledDeliveryTellsNobodyAndLeavesNoTimer() {
    Leased delivery = leased();
    AtomicInteger heard = new AtomicInteger();
    delivery.onLost(heard::incrementAndGet);
    delivery.beginSettlement();
    delivery.settled();
    delivery.onLost(heard::incrementAndGet);
    time.advance(LEASE.multipliedBy(2));
    assertThat(heard).hasValue(0);
    assertThat(time.pendingTimers()).isZero();
  }

  @Test
  void aSettlementThatDidNothingLeavesTheDeliveryHeldOrLost() {
    Leased held = leased();
    Leased late = leased();
    held.beginSettlement();
    late.beginSettlement();
    held.reopen();
    assertThat(held.beginSettlement()).isTrue();
    time.advance(LEASE);
    late.reopen();
    assertThat(late.isLost()).isTrue();
    assertThat(late.decided).hasValue(1);
  }

  @Test
  void A1_exactlyOneOfRacingThreadsDecides() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      for (int round = 0; round < 2_000; round++) {
        Leased delivery = leased();
        AtomicInteger lost = new AtomicInteger();
        delivery.onLost(lost::incrementAndGet);
        AtomicInteger settled = new AtomicInteger();
        CountDownLatch start = new CountDownLatch(1);
        List<Future<?>> racers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
          racers.add(
              pool.submit(
                  () -> {
                    start.await();
                    if (delivery.beginSettlement()) {
                      settled.incrementAndGet();
                      delivery.settled();
                    }
                    return null;
                  }));
        }
        racers.add(
            pool.submit(
                () -> {
                  start.await();
                  delivery.lose();
                  return null;
                }));
        start.countDown();
        for (Future<?> racer : racers) {
          racer.get(10, TimeUnit.SECONDS);
        }
        assertThat(delivery.decided).hasValue(1);
        assertThat(settled.get()).isLessThanOrEqualTo(1);
        assertThat(lost.get() + settled.get()).isBetween(1, 2);
        assertThat(delivery.isLost()).isEqualTo(lost.get() == 1);
      }
    } finally {
      pool.shutdownNow();
    }
  }
}
