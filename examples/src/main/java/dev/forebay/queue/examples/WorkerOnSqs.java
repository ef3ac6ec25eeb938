package dev.forebay.queue.examples;

import dev.forebay.queue.JsonCodec;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.sqs.SqsWorkQueue;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/**
 * How do I run a worker on SQS?
 *
 * <p>Bring the client you have, with your region and credentials; Forebay adds none of its own. The
 * worker keeps the lease of a long call alive, retries with backoff and drains when it is closed.
 */
public final class WorkerOnSqs implements AutoCloseable {

  private final SqsWorkQueue queue;
  private final Worker worker;

  /** Starts handling the queue with this URL. */
  public WorkerOnSqs(SqsAsyncClient client, String queueUrl, Consumer<Prompt> model) {
    queue = SqsWorkQueue.builder(client, queueUrl).lease(Duration.ofSeconds(30)).build();
    worker =
        Worker.builder(queue)
            .slots(8)
            .retry(
                RetryPolicy.exponential(Duration.ofMillis(200), Duration.ofSeconds(30))
                    .maxAttempts(5))
            .handler(JsonCodec.of(Prompt.class), (prompt, context) -> model.accept(prompt))
            .start();
  }

  /**
   * Finishes what runs, gives back what does not, then closes the queue; the client stays the
   * caller's.
   */
  @Override
  public void close() {
    worker.close();
    queue.close();
  }

  /** Runs it until the process is told to stop: {@code WorkerOnSqs QUEUE_URL}. */
  public static void main(String[] args) throws InterruptedException {
    CountDownLatch stop = new CountDownLatch(1);
    try (SqsAsyncClient client = SqsAsyncClient.create();
        WorkerOnSqs worker =
            new WorkerOnSqs(
                client, args[0], prompt -> System.out.println("answering " + prompt.id()))) {
      Runtime.getRuntime().addShutdownHook(new Thread(worker::close));
      stop.await();
    }
  }
}
