package dev.forebay.queue.examples;

import static dev.forebay.queue.DeadLetterFilter.byCause;
import static dev.forebay.queue.DeadLetterFilter.byType;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.RedriveOptions;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import java.time.Duration;

/**
 * What do I do with the dead letters once the bug is fixed?
 *
 * <p>Look at them without taking them, see what a redrive would do, bring back what is cured at a
 * rate the workers can stand, and throw away the rest. The same calls work on SQS and Kafka.
 */
public final class DeadLetterWorkbench {

  private DeadLetterWorkbench() {}

  /** Brings back what died for want of memory and throws away what can never work. */
  public static void tidyUp(WorkQueue queue) {
    DeadLetters letters = queue.deadLetters();
    letters.list(byCause("OutOfMemory")).forEach(DeadLetterWorkbench::look);

    RedriveOptions gently = RedriveOptions.perSecond(50);
    System.out.println(
        "would be " + letters.redrive(byType("summarise"), gently.dryRun()).done() + " redriven");
    DeadLetters.Report redriven = letters.redrive(byType("summarise"), gently);
    System.out.println(
        redriven.done()
            + " redriven, "
            + redriven.skipped()
            + " left because they keep dying, "
            + redriven.failures()
            + " failed");
    letters.discard(byCause("BadPrompt"), RedriveOptions.unlimited());
  }

  private static void look(DeadLetters.Item item) {
    System.out.println(
        item.message().text()
            + ": "
            + item.letter().cause().message()
            + ", redriven "
            + item.letter().redrives()
            + " times before");
  }

  /** Lets three messages die and tidies up. */
  public static void main(String[] args) {
    try (WorkQueue queue = InMemoryWorkQueue.builder("inference").build()) {
      die(queue, Message.text("long text").type("summarise"), "OutOfMemory", "24 GB wanted");
      die(queue, Message.text("longer text").type("summarise"), "OutOfMemory", "48 GB wanted");
      die(queue, Message.text("").type("chat"), "BadPrompt", "The prompt is empty.");
      tidyUp(queue);
      System.out.println("back in the queue: " + queue.depth().backlog());
    }
  }

  private static void die(WorkQueue queue, Message message, String type, String why) {
    queue.enqueue(message).join().orThrow();
    Delivery delivery = queue.poll(Duration.ofSeconds(1)).orElseThrow();
    delivery.deadLetter(new DeadLetterCause(type, why)).join();
  }
}
