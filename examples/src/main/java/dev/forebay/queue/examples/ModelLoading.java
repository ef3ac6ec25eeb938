package dev.forebay.queue.examples;

import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.ThrottledException;
import dev.forebay.queue.worker.Gate;
import dev.forebay.queue.worker.Handler;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How do I take no messages while my model loads, or while what is downstream says 429?
 *
 * <p>With a gate: behind a closed one the worker polls nothing and gives back what it had received
 * but not started, so that workers that are ready may have it. A {@link ThrottledException} with
 * the time of the Retry-After gives its message back for that long and, with {@code
 * pauseWhenThrottled}, closes a gate of the worker's own. None of this burns an attempt.
 *
 * <p>Other gates: {@code Gate.when(() -> gpu.freeMemory() > needed, Duration.ofSeconds(1))}, {@code
 * Gate.perSecond(20, 40)}.
 */
public final class ModelLoading {

  private ModelLoading() {}

  /** A worker that waits for its model. */
  static Worker start(WorkQueue queue, Gate loaded, Handler<String> model) {
    return Worker.builder(queue)
        .slots(2)
        .gate("model", loaded)
        .pauseWhenThrottled()
        .handler((delivery, context) -> model.handle(delivery.message().text(), context))
        .start();
  }

  /** Loads the model, meets one 429, answers everything. */
  public static void main(String[] args) throws InterruptedException {
    AtomicInteger calls = new AtomicInteger();
    CountDownLatch answered = new CountDownLatch(3);
    Handler<String> model =
        (prompt, context) -> {
          if (calls.incrementAndGet() == 1) {
            System.out.println("429, Retry-After: 1");
            throw new ThrottledException("Too many requests.", Duration.ofSeconds(1));
          }
          System.out.println(
              "answered, failed attempts: " + context.delivery().attempts().failed());
          answered.countDown();
        };
    Gate loaded = Gate.closed();
    try (WorkQueue queue = InMemoryWorkQueue.builder("prompts").build();
        Worker worker = start(queue, loaded, model)) {
      for (int i = 0; i < 3; i++) {
        queue.enqueue(Message.text("prompt " + i)).join().orThrow();
      }
      System.out.println("loading, in the queue: " + queue.depth().visible().orElseThrow());
      loaded.open();
      answered.await();
      System.out.println("throttled " + worker.stats().throttled() + " time");
    }
  }
}
