package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import dev.forebay.queue.spi.ReadyQueue;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Slots that take their next message by themselves, from a queue that has it at hand. */
class WorkerReadyTest {

  private final Rig rig = new Rig();
  private final Ready ready = new Ready(rig.queue);

  @Test
  void W1_slotGoesOnWithWhatIsReady_withoutIntake() {
    for (int i = 0; i < 20; i++) {
      rig.enqueue("m" + i);
    }
    Queue<String> handled = new ConcurrentLinkedQueue<>();
    AtomicInteger pollsAtLast = new AtomicInteger();
    try (Worker worker =
        rig.worker(ready)
            .slots(1)
            .handler(
                (delivery, context) -> {
                  handled.add(delivery.message().text());
                  pollsAtLast.set(ready.polls.get());
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 20 && stats.running() == 0);
      assertThat(pollsAtLast).hasValue(1);
      assertThat(handled).hasSize(20).startsWith("m0", "m1").endsWith("m19");
      // The slot is free again, and intake goes on.
      rig.enqueue("later");
      rig.awaitStats(worker, stats -> stats.handled() == 21);
    }
  }

  @Test
  void L3_leaseOfWhatASlotTookItself_isKept() {
    rig.enqueue("first");
    rig.enqueue("second");
    CountDownLatch end = new CountDownLatch(1);
    AtomicInteger starts = new AtomicInteger();
    try (Worker worker =
        rig.worker(ready)
            .slots(1)
            .handler(
                (delivery, context) -> {
                  if (starts.incrementAndGet() == 2) {
                    end.await();
                  }
                })
            .start()) {
      Rig.eventually("the second runs", () -> starts.get() == 2);
      for (int i = 0; i < 12; i++) {
        long before = worker.stats().extensions();
        rig.time.advance(Rig.LEASE.dividedBy(2));
        Rig.eventually("extended", () -> worker.stats().extensions() > before);
      }
      end.countDown();
      rig.awaitStats(worker, stats -> stats.handled() == 2);
      assertThat(starts).hasValue(2);
      assertThat(worker.stats().leaseLost()).isZero();
    }
  }

  @Test
  void S1_afterClose_noSlotTakesMore() throws Exception {
    rig.enqueue("first");
    rig.enqueue("second");
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    AtomicInteger starts = new AtomicInteger();
    Worker worker =
        rig.worker(ready)
            .slots(1)
            .handler(
                (delivery, context) -> {
                  starts.incrementAndGet();
                  running.countDown();
                  end.await();
                })
            .start();
    running.await();
    Thread closer = new Thread(worker::close);
    closer.start();
    Rig.eventually("it drains", () -> closer.getState() == Thread.State.WAITING);
    end.countDown();
    closer.join();
    assertThat(starts).hasValue(1);
    assertThat(rig.queue.depth().visible()).hasValue(1);
    assertThat(rig.queue.depth().inFlight()).hasValue(0);
  }

  @Test
  void W6_closedGate_keepsSlotsFromTakingMore() {
    rig.enqueue("first");
    rig.enqueue("second");
    CountDownLatch end = new CountDownLatch(1);
    AtomicInteger starts = new AtomicInteger();
    try (Worker worker =
        rig.worker(ready)
            .slots(1)
            .handler(
                (delivery, context) -> {
                  starts.incrementAndGet();
                  end.await();
                })
            .start()) {
      Rig.eventually("the first runs", () -> starts.get() == 1);
      worker.pause();
      end.countDown();
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
      rig.awaitDepth(1, 0, 0);
      assertThat(starts).hasValue(1);
      worker.resume();
      rig.awaitStats(worker, stats -> stats.handled() == 2);
    }
  }

  /** A queue in memory that hands out by itself, and counts who asked. */
  private static final class Ready extends ForwardingWorkQueue implements ReadyQueue {
    final AtomicInteger polls = new AtomicInteger();

    Ready(WorkQueue queue) {
      super(queue);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      polls.incrementAndGet();
      return super.poll(max, wait);
    }

    @Override
    public List<Delivery> pollReady(int max) {
      return super.poll(max, Duration.ZERO);
    }
  }
}
