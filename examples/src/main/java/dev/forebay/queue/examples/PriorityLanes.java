package dev.forebay.queue.examples;

import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.time.ManualTimeSource;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/**
 * How do paying users come first without the others waiting for ever?
 *
 * <p>With a queue for each and one worker on both: the lane of weight 3 has three turns for one of
 * the first queue, while both have something waiting. What has waited for the ageing time goes
 * before all weights. {@code strictLanes()} would take the first queue's messages as long as there
 * are any, ageing apart. The prefetch is how many of each lane the worker has at hand to choose
 * from.
 */
public final class PriorityLanes {

  private static final int EACH = 8;

  private final ManualTimeSource time = new ManualTimeSource();
  private final List<String> order = new CopyOnWriteArrayList<>();
  private final CountDownLatch begun = new CountDownLatch(1);
  private final CountDownLatch goOn = new CountDownLatch(1);

  private Worker start(WorkQueue free, WorkQueue paid) {
    return Worker.builder(free)
        .lane(paid, 3)
        .ageing(Duration.ofSeconds(30))
        .prefetch(EACH)
        .time(time)
        .handler(
            (delivery, context) -> {
              order.add(delivery.queue().name());
              begun.countDown();
              goOn.await();
            })
        .start();
  }

  private static void enqueue(WorkQueue queue, int count) {
    for (int i = 0; i < count; i++) {
      queue.enqueue(Message.text("prompt")).join().orThrow();
    }
  }

  private static void awaitReceived(Worker worker, int count) throws InterruptedException {
    while (worker.stats().running() < count) {
      Thread.sleep(5);
    }
  }

  /** Whose turns the first eight are, when the free ones have waited so long for a slot. */
  private List<String> firstEight(Duration freeWait) throws InterruptedException {
    try (WorkQueue free = InMemoryWorkQueue.builder("free").time(time).build();
        WorkQueue paid = InMemoryWorkQueue.builder("paid").time(time).build();
        Worker worker = start(free, paid)) {
      enqueue(free, 1);
      begun.await(); // one slot, and it is taken
      enqueue(free, EACH);
      awaitReceived(worker, 1 + EACH);
      time.advance(freeWait);
      enqueue(paid, EACH);
      awaitReceived(worker, 1 + 2 * EACH);
      goOn.countDown();
      while (worker.stats().handled() < 1 + 2 * EACH) {
        Thread.sleep(5);
      }
      return order.subList(1, 1 + EACH);
    }
  }

  /** Both lanes full, then the same with free prompts that have waited too long. */
  public static void main(String[] args) throws InterruptedException {
    System.out.println("by weight: " + new PriorityLanes().firstEight(Duration.ZERO));
    System.out.println("by age: " + new PriorityLanes().firstEight(Duration.ofSeconds(31)));
  }
}
