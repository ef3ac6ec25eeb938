package dev.forebay.queue.examples;

import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * How do I answer those first who have the least time left?
 *
 * <p>Give each message a deadline and let the worker choose among what it has received: as many as
 * are prefetched beyond the slots. Messages without a deadline come last, in their order. The
 * leases of those that wait are kept, and all are given back when the worker closes.
 */
public final class EarliestDeadline {

  private final CountDownLatch begun = new CountDownLatch(1);
  private final CountDownLatch goOn = new CountDownLatch(1);

  private Worker start(WorkQueue queue) {
    return Worker.builder(queue)
        .prefetch(16)
        .earliestDeadlineFirst()
        .handler(
            (delivery, context) -> {
              System.out.println(delivery.message().text());
              begun.countDown();
              goOn.await();
            })
        .start();
  }

  /** Four requests come while one is being answered. */
  public static void main(String[] args) throws InterruptedException {
    EarliestDeadline example = new EarliestDeadline();
    try (WorkQueue queue = InMemoryWorkQueue.builder("chat").build();
        Worker worker = example.start(queue)) {
      queue.enqueue(Message.text("came first"));
      example.begun.await();
      queue.enqueue(Message.text("whenever"));
      queue.enqueue(Message.text("within an hour").deadline(Duration.ofHours(1)));
      queue.enqueue(Message.text("within a minute").deadline(Duration.ofMinutes(1)));
      queue.enqueue(Message.text("within ten minutes").deadline(Duration.ofMinutes(10)));
      while (worker.stats().running() < 5) {
        Thread.sleep(5);
      }
      example.goOn.countDown();
      while (worker.stats().handled() < 5) {
        Thread.sleep(5);
      }
    }
  }
}
