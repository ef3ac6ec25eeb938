package dev.forebay.queue.examples;

import dev.forebay.queue.DeadLetterFilter;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.time.ManualTimeSource;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * What if nobody waits for the answer any more?
 *
 * <p>Give each message a deadline or a time to live. What is late never reaches the handler: it
 * goes to the dead letters with the cause EXPIRED, or is dropped, or handed to a callback that
 * tells whoever waits ({@code expired(Expiry.drop())}, {@code expired(Expiry.call(...))}). A
 * handler sees how much time is left and may answer shorter.
 */
public final class LateRequests {

  private LateRequests() {}

  /** Answers within the time that is left: a short answer when there is little of it. */
  static String answer(String prompt, Duration left) {
    return (left.toSeconds() < 30 ? "short" : "long") + " answer to " + prompt;
  }

  /** Three requests wait for ten seconds; one of them had two. */
  public static void main(String[] args) throws InterruptedException {
    ManualTimeSource time = new ManualTimeSource();
    try (WorkQueue queue = InMemoryWorkQueue.builder("chat").time(time).build()) {
      queue.enqueue(Message.text("impatient").deadline(Duration.ofSeconds(2)));
      queue.enqueue(Message.text("normal").deadline(Duration.ofSeconds(25)));
      queue.enqueue(Message.text("patient").deadline(Duration.ofMinutes(5)));
      time.advance(Duration.ofSeconds(10));

      CountDownLatch answered = new CountDownLatch(2);
      try (Worker worker =
          Worker.builder(queue)
              .time(time)
              .handler(
                  (delivery, context) -> {
                    Duration left = context.timeRemaining().orElseThrow();
                    System.out.println(
                        answer(delivery.message().text(), left)
                            + ", "
                            + left.toSeconds()
                            + " s left");
                    answered.countDown();
                  })
              .start()) {
        answered.await();
        System.out.println("expired: " + worker.stats().expired());
      }
      queue
          .deadLetters()
          .list(DeadLetterFilter.all())
          .forEach(
              letter ->
                  System.out.println(
                      letter.message().text() + ": " + letter.letter().cause().type()));
    }
  }
}
