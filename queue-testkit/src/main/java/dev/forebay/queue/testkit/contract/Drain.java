package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.time.SystemTimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;

/**
 * Threads that poll and settle until a number of messages is handled, and watch that no message is
 * in two hands at once (L1). Thread-safe.
 */
final class Drain {

  /** What to do with a delivery. */
  enum Choice {
    ACK,
    RELEASE,
    GIVE_BACK
  }

  private final Trial trial;
  private final int count;
  private final Function<Delivery, Choice> handler;
  private final Function<Delivery, String> exclusive;
  private final AtomicInteger acked = new AtomicInteger();
  private final ConcurrentLinkedQueue<String> handled = new ConcurrentLinkedQueue<>();
  private final Map<String, Delivery> inHand = new ConcurrentHashMap<>();
  private final List<Background<Boolean>> threads = new ArrayList<>();
  private final AtomicLong lastAck = new AtomicLong(SystemTimeSource.get().nanoTime());
  private volatile boolean failed;

  /** Handles {@code count} messages, each until the handler chooses to ack it. */
  Drain(Trial trial, int count, Function<Delivery, Choice> handler) {
    this(trial, count, handler, Delivery::id);
  }

  /**
   * As above.
   *
   * @param exclusive what may be in one hand only at a time: the message's id, or its key
   */
  Drain(
      Trial trial,
      int count,
      Function<Delivery, Choice> handler,
      Function<Delivery, String> exclusive) {
    this.exclusive = exclusive;
    this.trial = trial;
    this.count = count;
    this.handler = handler;
  }

  void start(WorkQueue queue, int threadCount) {
    for (int i = 0; i < threadCount; i++) {
      int max = 1 + i % 3;
      threads.add(Background.start(trial.timing(), "consumer", () -> consume(queue, max)));
    }
  }

  private boolean consume(WorkQueue queue, int max) {
    boolean good = false;
    try {
      run(queue, max);
      good = true;
    } finally {
      failed |= !good;
    }
    return true;
  }

  private void run(WorkQueue queue, int max) {
    // Polls without a wait get along with a manual clock that nobody moves meanwhile.
    boolean real = !trial.timing().granularity().isZero();
    Duration bound = trial.timing().patience();
    // Once one has failed the others have nothing to show any more.
    while (acked.get() < count && !failed) {
      if (SystemTimeSource.get().nanoTime() - lastAck.get() > bound.toNanos()) {
        throw new AssertionError(
            "Just " + acked + " of " + count + " handled, and none for " + bound);
      }
      List<Delivery> taken = queue.poll(max, real ? Duration.ofMillis(200) : Duration.ZERO);
      if (taken.isEmpty()) {
        LockSupport.parkNanos(100_000);
      }
      taken.forEach(this::take);
      taken.forEach(this::handle);
    }
  }

  private void take(Delivery delivery) {
    Delivery other = inHand.put(exclusive.apply(delivery), delivery);
    assertThat(other == null || other.isLost())
        .as("%s was handed out while %s was held", delivery, other)
        .isTrue();
  }

  private void handle(Delivery delivery) {
    Choice choice = handler.apply(delivery);
    // Out of hand before it is settled: afterwards somebody else may have it already.
    inHand.remove(exclusive.apply(delivery), delivery);
    if (choice == Choice.ACK) {
      handled.add(delivery.id());
    }
    CompletableFuture<Settlement> settlement =
        switch (choice) {
          case ACK -> delivery.ack();
          case RELEASE -> delivery.release();
          case GIVE_BACK -> delivery.giveBack();
        };
    assertThat(settlement.join()).as("%s of %s", choice, delivery).isEqualTo(Settlement.OK);
    if (choice == Choice.ACK) {
      acked.incrementAndGet();
      lastAck.set(SystemTimeSource.get().nanoTime());
    }
  }

  /** Waits until all threads are done. */
  void finish() {
    threads.forEach(Background::result);
  }

  /** Ids of all messages acked, in the order of their acks. */
  List<String> handled() {
    return List.copyOf(handled);
  }
}
