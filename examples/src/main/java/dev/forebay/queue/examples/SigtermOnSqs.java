package dev.forebay.queue.examples;

import dev.forebay.queue.sqs.SqsWorkQueue;
import dev.forebay.queue.worker.Drain;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/**
 * How does a worker on SQS leave when the orchestrator sends SIGTERM: at a deployment, a scale-in,
 * an interruption of a spot instance?
 *
 * <p>In a shutdown hook, first the worker, then the queue, then the client, within less than the
 * orchestrator waits before it kills. What runs may finish and is deleted from SQS; what was
 * received but not started, a receive still under way included, is visible to others at once.
 * Nothing is lost and nothing runs twice.
 *
 * <p>Work longer than the grace time is rather handed on: {@link Drain#CHECKPOINT}, as in {@link
 * ResumableJob}.
 */
public final class SigtermOnSqs {

  private SigtermOnSqs() {}

  /** Works until SIGTERM: {@code SigtermOnSqs QUEUE_URL}. */
  public static void main(String[] args) throws InterruptedException {
    SqsAsyncClient client = SqsAsyncClient.create();
    SqsWorkQueue queue = SqsWorkQueue.builder(client, args[0]).lease(Duration.ofMinutes(5)).build();
    Worker worker =
        Worker.builder(queue)
            .slots(4)
            .drain(Drain.FINISH) // the default
            .grace(Duration.ofSeconds(20)) // Kubernetes gives 30 s unless told otherwise
            .handler(
                (delivery, context) -> {
                  Thread.sleep(300); // stands for a model's answer
                  System.out.println("finished " + delivery.message().text());
                })
            .start();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  worker.close();
                  queue.close();
                  client.close();
                  System.out.println("drained, " + worker.stats().returned() + " given back");
                }));
    new CountDownLatch(1).await();
  }
}
