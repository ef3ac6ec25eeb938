package dev.forebay.queue.examples;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.Backoff;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * How do I consume a queue with a loop of my own?
 *
 * <p>Poll, handle, ack; on failure release with a backoff. The loop ends when the queue has been
 * empty for {@code idle}.
 */
public final class FirstConsumer {

  private static final Backoff BACKOFF =
      Backoff.exponential(Duration.ofMillis(200), Duration.ofSeconds(30));

  private FirstConsumer() {}

  /** Handles what is in the queue; returns how many messages were handled. */
  public static int consume(WorkQueue queue, Consumer<String> model, Duration idle) {
    int handled = 0;
    while (true) {
      var deliveries = queue.poll(8, idle);
      if (deliveries.isEmpty()) {
        return handled;
      }
      for (Delivery delivery : deliveries) {
        try {
          model.accept(delivery.message().text());
          delivery.ack();
          handled++;
        } catch (RuntimeException e) {
          delivery.release(BACKOFF.delay(delivery.attempt()));
        }
      }
    }
  }

  /** Runs it on the in-memory queue. */
  public static void main(String[] args) {
    try (WorkQueue queue = InMemoryWorkQueue.builder("inference").build()) {
      queue.enqueue(Message.text("a prompt"));
      queue.enqueue(Message.text("another prompt"));
      int handled =
          consume(
              queue, prompt -> System.out.println("answering " + prompt), Duration.ofSeconds(1));
      System.out.println("handled " + handled + " messages");
    }
  }
}
