package dev.forebay.queue.examples;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import java.time.Duration;

/**
 * A user asks why there is no answer yet; what has become of the message?
 *
 * <p>Ask the queue by the id that the enqueue gave. What a backend cannot know it says to be
 * unknown: memory knows everything, SQS and Kafka what this queue object holds. It asks no broker
 * and changes nothing.
 */
public final class WhereIsMyMessage {

  private final WorkQueue queue;

  private WhereIsMyMessage(WorkQueue queue) {
    this.queue = queue;
  }

  private String enqueue(Message message) {
    return queue.enqueue(message).join().orThrow();
  }

  private void explain(String what, String id) {
    Explanation found = queue.explain(id);
    System.out.println(what + ": " + found.state() + ". " + found.sentence());
  }

  /** One message in each of the places where a message can be. */
  public static void main(String[] args) {
    try (WorkQueue queue = InMemoryWorkQueue.builder("inference").build()) {
      WhereIsMyMessage support = new WhereIsMyMessage(queue);
      String bad = support.enqueue(Message.text(""));
      queue
          .poll(Duration.ZERO)
          .orElseThrow()
          .deadLetter(new DeadLetterCause("BadPrompt", "The prompt is empty."))
          .join();
      String done = support.enqueue(Message.text("quick"));
      queue.poll(Duration.ZERO).orElseThrow().ack().join();

      String turn = support.enqueue(Message.text("first turn").key("ann"));
      Delivery held = queue.poll(Duration.ZERO).orElseThrow();
      String next = support.enqueue(Message.text("second turn").key("ann"));
      String later = support.enqueue(Message.text("at night").delay(Duration.ofHours(8)));
      String ready = support.enqueue(Message.text("now"));

      support.explain("the empty one", bad);
      support.explain("the quick one", done);
      support.explain("the first turn", turn);
      support.explain("the second turn", next);
      support.explain("the one at night", later);
      support.explain("the one now", ready);
      held.giveBack().join();
    }
  }
}
