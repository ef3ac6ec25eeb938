package dev.forebay.queue.examples;

import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * How do I stop without losing or repeating work when the orchestrator sends SIGTERM?
 *
 * <p>Close the worker, then the queue, in a shutdown hook, with a grace time shorter than the
 * orchestrator's. What runs may finish and is acked; what was received but not started is given
 * back at once, without burning an attempt.
 */
public final class GracefulShutdown {

  private GracefulShutdown() {}

  /** Handles messages of two seconds each until SIGTERM, then drains. */
  public static void main(String[] args) throws InterruptedException {
    CountDownLatch started = new CountDownLatch(2);
    WorkQueue queue = InMemoryWorkQueue.builder("inference").build();
    Worker worker =
        Worker.builder(queue)
            .slots(2)
            .grace(Duration.ofSeconds(20)) // Kubernetes gives 30 s unless told otherwise
            .handler(
                (delivery, context) -> {
                  started.countDown();
                  Thread.sleep(2_000); // stands for a model's answer
                  System.out.println("finished " + delivery.message().text());
                })
            .start();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  worker.close();
                  System.out.println("left in the queue: " + queue.depth().backlog());
                  queue.close();
                }));
    for (int i = 1; i <= 5; i++) {
      queue.enqueue(Message.text("message " + i));
    }
    started.await();
    System.out.println("ready for SIGTERM");
    new CountDownLatch(1).await();
  }
}
