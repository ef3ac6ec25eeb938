package dev.forebay.queue.examples;

import dev.forebay.queue.Message;
import dev.forebay.queue.kafka.KafkaKeyedStats;
import dev.forebay.queue.kafka.KafkaWorkQueue;
import dev.forebay.queue.worker.Worker;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiConsumer;

/**
 * How do I keep one user's turns in order?
 *
 * <p>In keyed mode the messages of one key are handled one at a time and in the order they were
 * enqueued, also over retries and when members come and go; different keys go in parallel, however
 * few partitions the topic has.
 */
public final class ConversationsOnKafka implements AutoCloseable {

  private final KafkaWorkQueue queue;
  private final Worker worker;

  /**
   * Starts handling the topic as a member of this group.
   *
   * @param model gets the user and the turn
   */
  public ConversationsOnKafka(
      Map<String, Object> clientProperties,
      String topic,
      String group,
      BiConsumer<String, String> model) {
    queue = KafkaWorkQueue.keyed(clientProperties, topic).group(group).build();
    worker =
        Worker.builder(queue)
            .slots(64)
            .handler(
                (delivery, context) ->
                    model.accept(
                        delivery.message().key().orElse("somebody"), delivery.message().text()))
            .start();
  }

  /** Takes in a user's next turn; returns when it is stored. */
  public void turn(String user, String text) {
    queue.enqueue(Message.text(text).key(user)).join().orThrow();
  }

  /** What the consumer group has been through: rebalances, commits, fenced deliveries. */
  public KafkaKeyedStats stats() {
    return queue.unwrap(KafkaKeyedStats.class);
  }

  /** Finishes what runs, gives back what does not, then closes the queue. */
  @Override
  public void close() {
    worker.close();
    queue.close();
  }

  /**
   * Runs it until the process is told to stop: {@code ConversationsOnKafka BOOTSTRAP_SERVERS TOPIC
   * GROUP}.
   */
  public static void main(String[] args) throws InterruptedException {
    CountDownLatch stop = new CountDownLatch(1);
    try (ConversationsOnKafka conversations =
        new ConversationsOnKafka(
            Map.of("bootstrap.servers", args[0]),
            args[1],
            args[2],
            (user, text) -> System.out.println(user + ": " + text))) {
      Runtime.getRuntime().addShutdownHook(new Thread(conversations::close));
      stop.await();
    }
  }
}
