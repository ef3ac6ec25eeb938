package dev.forebay.queue.examples;

import dev.forebay.queue.DeadLetterFilter;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.worker.BatchItem;
import dev.forebay.queue.worker.BatchOptions;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * How do I give a GPU several prompts at once?
 *
 * <p>A batch is run when it is full, when its token budget is used up, or when its first prompt has
 * waited for the linger; only prompts of one model go together. Each prompt is settled on its own:
 * one that fails takes none of the others with it.
 */
public final class MicroBatches {

  private final CountDownLatch done;

  private MicroBatches(int prompts) {
    done = new CountDownLatch(prompts);
  }

  /** One call of the model. */
  private void generate(List<BatchItem<Delivery>> batch) {
    String model = batch.get(0).value().message().type().orElse("");
    System.out.println(model + ": " + batch.size() + " prompts in one call");
    for (BatchItem<Delivery> item : batch) {
      if (item.value().message().text().isEmpty()) {
        item.fail(new IllegalArgumentException("The prompt is empty."));
      }
      done.countDown();
    }
  }

  /** Words stand for tokens here. */
  private static long tokens(Message prompt) {
    return prompt.text().split(" ", -1).length;
  }

  /** Batches of up to four prompts or twelve tokens. */
  private Worker start(WorkQueue queue) {
    return Worker.builder(queue)
        .slots(1)
        .retry(
            RetryPolicy.exponential(Duration.ofMillis(10), Duration.ofSeconds(1))
                .terminal(IllegalArgumentException.class))
        .batches(
            BatchOptions.of(4)
                .budget(12, MicroBatches::tokens)
                .groupBy(message -> message.type().orElse(""))
                .linger(Duration.ofMillis(20)),
            this::generate)
        .start();
  }

  /** Seven prompts for two models; one of them is empty. */
  public static void main(String[] args) throws InterruptedException {
    MicroBatches batches = new MicroBatches(7);
    try (WorkQueue queue = InMemoryWorkQueue.builder("gpu").build()) {
      for (String prompt : List.of("hello", "how are you", "", "bye")) {
        queue.enqueue(Message.text(prompt).type("chat"));
      }
      for (String text :
          List.of("a text of six words here", "another text of just six words", "rest")) {
        queue.enqueue(Message.text(text).type("embed"));
      }
      Worker worker = batches.start(queue);
      batches.done.await();
      worker.close(); // what was handled is settled by then
      System.out.println(
          "dead letters: " + queue.deadLetters().list(DeadLetterFilter.all()).items().size());
    }
  }
}
