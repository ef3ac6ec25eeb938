package dev.forebay.queue.examples;

import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.kafka.KafkaWorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.sqs.SqsWorkQueue;
import dev.forebay.queue.worker.Worker;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/**
 * How do I keep the choice of the broker out of my code?
 *
 * <p>Open the queue in one place from configuration; everything after it speaks {@link WorkQueue}
 * and asks {@link WorkQueue#capabilities()} where brokers differ.
 */
public final class SwitchBackend {

  private SwitchBackend() {}

  /**
   * Opens the queue an address names: {@code memory:name}, {@code kafka://host:port/topic}, or the
   * {@code https} or {@code http} URL of an SQS queue.
   */
  public static WorkQueue open(URI address, Supplier<SqsAsyncClient> sqs) {
    return switch (address.getScheme()) {
      case "memory" -> InMemoryWorkQueue.builder(address.getSchemeSpecificPart()).build();
      case "kafka" ->
          KafkaWorkQueue.shared(
                  Map.of("bootstrap.servers", address.getAuthority()),
                  address.getPath().substring(1))
              .group("switch-backend")
              .build();
      case "http", "https" -> SqsWorkQueue.builder(sqs.get(), address.toString()).build();
      default -> throw new IllegalArgumentException("No queue can be opened at " + address);
    };
  }

  /** Sends one message through the queue, whichever it is. */
  public static String roundTrip(WorkQueue queue, String text) throws InterruptedException {
    String[] received = new String[1];
    CountDownLatch done = new CountDownLatch(1);
    Worker worker =
        Worker.builder(queue)
            .slots(1)
            .handler(
                (delivery, context) -> {
                  received[0] = delivery.message().text();
                  done.countDown();
                })
            .start();
    try {
      queue.enqueue(Message.text(text)).join().orThrow();
      done.await();
    } finally {
      worker.close();
    }
    return received[0];
  }

  /** Runs it on the queue named on the command line, in memory by default. */
  public static void main(String[] args) throws InterruptedException {
    URI address = URI.create(args.length == 0 ? "memory:inference" : args[0]);
    try (WorkQueue queue = open(address, SqsAsyncClient::create)) {
      System.out.println(roundTrip(queue, "hello") + " through " + queue.capabilities().backend());
      System.out.println(
          "longest enqueue delay: " + describe(queue.capabilities().maxEnqueueDelay()));
    }
  }

  private static String describe(Duration delay) {
    return delay.isZero() ? "not offered" : delay.toString();
  }
}
