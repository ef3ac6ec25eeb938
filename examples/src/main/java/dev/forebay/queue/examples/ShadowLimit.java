package dev.forebay.queue.examples;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.ThrottledException;
import dev.forebay.queue.resilience.AdaptiveLimit;
import dev.forebay.queue.worker.Handler;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.concurrent.Semaphore;

/**
 * How many handlers should run at once, if what they call does not say how many it takes?
 *
 * <p>An adaptive limit finds out: one more a round while nobody is refused, a tenth less after a
 * refusal. In the shadow, as here, it says what it would do and does nothing; without {@code
 * shadow()} the worker keeps to it. With {@code WorkerMeters} it is the gauge {@code
 * forebay.worker.limit.estimate}.
 */
public final class ShadowLimit {

  private static final int SLOTS = 16;
  private static final int MESSAGES = 300;

  private ShadowLimit() {}

  /** Runs beside an endpoint that takes four calls at once. */
  public static void main(String[] args) throws InterruptedException {
    Semaphore endpoint = new Semaphore(4);
    Handler<Delivery> call =
        (delivery, context) -> {
          if (!endpoint.tryAcquire()) {
            throw new ThrottledException("429", Duration.ofMillis(5));
          }
          try {
            Thread.sleep(5);
          } finally {
            endpoint.release();
          }
        };
    AdaptiveLimit limit = AdaptiveLimit.aimd(SLOTS).initial(SLOTS).shadow().build();
    try (WorkQueue queue = InMemoryWorkQueue.builder("prompts").build();
        Worker worker =
            Worker.builder(queue).slots(SLOTS).concurrencyLimit(limit).handler(call).start()) {
      for (int i = 0; i < MESSAGES; i++) {
        queue.enqueue(Message.text("prompt " + i)).join().orThrow();
      }
      while (worker.stats().handled() < MESSAGES / 2) {
        Thread.sleep(10);
      }
      System.out.println(SLOTS + " slots, refused " + worker.stats().throttled() + " times");
      System.out.println("at most " + limit.estimate() + " would run at once");
    }
  }
}
