package dev.forebay.queue.examples;

import dev.forebay.queue.JsonCodec;
import dev.forebay.queue.kafka.KafkaWorkQueue;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/**
 * How do I run a worker on Kafka?
 *
 * <p>In share mode any worker takes any record, however few partitions the topic has, and a slow
 * record blocks no other. The client's properties, TLS and SASL among them, are passed through
 * untouched.
 */
public final class WorkerOnKafka implements AutoCloseable {

  private final KafkaWorkQueue queue;
  private final Worker worker;

  /** Starts handling the topic as a member of this group. */
  public WorkerOnKafka(
      Map<String, Object> clientProperties, String topic, String group, Consumer<Prompt> model) {
    queue = KafkaWorkQueue.shared(clientProperties, topic).group(group).build();
    worker =
        Worker.builder(queue)
            .slots(8)
            .retry(
                RetryPolicy.exponential(Duration.ofMillis(200), Duration.ofSeconds(30))
                    .maxAttempts(5))
            .handler(JsonCodec.of(Prompt.class), (prompt, context) -> model.accept(prompt))
            .start();
  }

  /** Finishes what runs, gives back what does not, then closes the queue. */
  @Override
  public void close() {
    worker.close();
    queue.close();
  }

  /**
   * Runs it until the process is told to stop: {@code WorkerOnKafka BOOTSTRAP_SERVERS TOPIC GROUP}.
   */
  public static void main(String[] args) throws InterruptedException {
    CountDownLatch stop = new CountDownLatch(1);
    try (WorkerOnKafka worker =
        new WorkerOnKafka(
            Map.of("bootstrap.servers", args[0]),
            args[1],
            args[2],
            prompt -> System.out.println("answering " + prompt.id()))) {
      Runtime.getRuntime().addShutdownHook(new Thread(worker::close));
      stop.await();
    }
  }
}
