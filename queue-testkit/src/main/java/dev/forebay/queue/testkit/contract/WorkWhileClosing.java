package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;

/** What the threads of a test did that work while their queue closes. Thread-safe. */
final class WorkWhileClosing {

  /** How long a handler takes: enough for a close to come upon several of them. */
  private static final long WORK_NANOS = 5_000_000;

  private final Timing timing;
  private final boolean manual;
  final Set<String> acked = ConcurrentHashMap.newKeySet();

  /** Acks that the machine held up until their lease had ended; these may have done anything. */
  final Set<String> tooLate = ConcurrentHashMap.newKeySet();

  final ConcurrentLinkedQueue<String> faults = new ConcurrentLinkedQueue<>();

  WorkWhileClosing(Timing timing) {
    this.timing = timing;
    this.manual = timing.granularity().isZero();
  }

  /**
   * By acks under a clock that stands still, by time on brokers, which take theirs.
   *
   * @param messages how many acks there can be in all
   */
  void awaitSomeMoment(Random random, int messages) {
    if (manual) {
      int acks = Math.min(messages, acked.size() + random.nextInt(12));
      timing.await(() -> acked.size() >= acks);
    } else {
      LockSupport.parkNanos(random.nextInt(300) * 1_000_000L);
    }
  }

  void workUntilClosed(WorkQueue queue) {
    while (true) {
      List<Delivery> taken;
      try {
        taken = queue.poll(2, manual ? Duration.ZERO : Duration.ofMillis(100));
      } catch (QueueException e) {
        assertThat(e.code()).isEqualTo(ErrorCode.CLOSED);
        return;
      }
      if (taken.isEmpty()) {
        LockSupport.parkNanos(100_000);
      }
      long now = timing.nanoTime();
      List<Long> ends =
          taken.stream().map(delivery -> now + delivery.leaseRemaining().toNanos()).toList();
      for (int i = 0; i < taken.size(); i++) {
        work(taken.get(i), ends.get(i));
      }
    }
  }

  private void work(Delivery delivery, long leaseEnds) {
    if (acked.contains(delivery.id())) {
      faults.add(delivery + " was delivered after an ack that was OK");
    }
    LockSupport.parkNanos(WORK_NANOS);
    Settlement settlement = delivery.ack().join();
    if (settlement == Settlement.OK) {
      acked.add(delivery.id());
    } else if (timing.nanoTime() - leaseEnds >= 0) {
      tooLate.add(delivery.id());
    } else {
      faults.add("the ack of " + delivery + " under its lease was " + settlement);
    }
  }
}
