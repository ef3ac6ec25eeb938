package dev.forebay.queue.examples;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryStore;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.policy.ThrottledException;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;

/**
 * What happens to a message that keeps failing?
 *
 * <p>An exception means another attempt after a backoff. An exception that no retry can cure is
 * declared terminal. After the last attempt, or at once when terminal, the message goes to the dead
 * letters with the cause, unchanged.
 */
public final class RetryAndDeadLetter {

  /** The model says the prompt itself is wrong. */
  static final class BadPromptException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BadPromptException(String message) {
      super(message);
    }
  }

  private RetryAndDeadLetter() {}

  /** A worker that retries four times, except bad prompts. */
  public static Worker start(WorkQueue queue) {
    return Worker.builder(queue)
        .slots(4)
        .retry(
            RetryPolicy.exponential(Duration.ofMillis(10), Duration.ofMillis(100))
                .maxAttempts(5)
                .terminal(BadPromptException.class))
        .handler((delivery, context) -> answer(delivery))
        .start();
  }

  private static void answer(Delivery delivery) {
    switch (delivery.message().text()) {
      case "bad" -> throw new BadPromptException("The prompt is empty.");
      case "unlucky" -> throw new IllegalStateException("The GPU fell off the bus.");
      case "flaky" -> {
        if (delivery.attempt() < 3) {
          throw new IllegalStateException("Not yet.");
        }
      }
      case "busy" -> {
        if (delivery.attempts().returned() == 0) {
          // What an answer 429 with Retry-After means: later, and it counts as no attempt.
          throw new ThrottledException("Too many requests.", Duration.ofMillis(50));
        }
      }
      default -> {}
    }
  }

  /** Shows where each of five messages ends. */
  public static void main(String[] args) {
    InMemoryStore store = new InMemoryStore();
    try (WorkQueue queue = InMemoryWorkQueue.builder("chat").store(store).build();
        WorkQueue dead = InMemoryWorkQueue.builder("chat.dlq").store(store).build();
        Worker worker = start(queue)) {
      for (String text : new String[] {"good", "flaky", "busy", "bad", "unlucky"}) {
        queue.enqueue(Message.text(text));
      }
      for (int i = 0; i < 2; i++) {
        Delivery letter = dead.poll(Duration.ofSeconds(10)).orElseThrow();
        System.out.println(
            letter.message().text() + ": " + letter.deadLetter().orElseThrow().cause());
        letter.ack();
      }
      System.out.println(worker.stats());
    }
  }
}
