package dev.forebay.queue.examples;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.resilience.CircuitBreakers;
import dev.forebay.queue.worker.BreakerState;
import dev.forebay.queue.worker.TypeBreaker;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One kind of request keeps failing; how do I keep it from using up the GPU and its own attempts?
 *
 * <p>With a circuit breaker for each message type. After so many failures of a type in a row its
 * messages go to the slow lane, another queue, with the cause in a header. After a while one of
 * them runs as a probe, and if that is done all of them run again. The slow lane has a worker of
 * its own, with few slots and long retries, or one that is started once the cause is gone.
 */
public final class SlowLane {

  private static final String SUMMARY = "summarise";

  /** Whether the model for summaries is broken. */
  private final AtomicBoolean broken = new AtomicBoolean(true);

  private Worker start(WorkQueue queue, CircuitBreakers breakers, WorkQueue slowLane) {
    return Worker.builder(queue)
        .retry(RetryPolicy.exponential(Duration.ofMillis(5), Duration.ofMillis(20)))
        .breaker(breakers, slowLane)
        .handler((delivery, context) -> answer(delivery))
        .start();
  }

  private void answer(Delivery delivery) {
    if (broken.get() && delivery.message().type().orElse("").equals(SUMMARY)) {
      throw new IllegalStateException("The model for summaries does not load.");
    }
  }

  private static void enqueue(WorkQueue queue, String type) {
    queue.enqueue(Message.text("long text").type(type)).join().orThrow();
  }

  /** Summaries fail, go aside while chats go on, and come back. */
  public static void main(String[] args) throws InterruptedException {
    CircuitBreakers breakers =
        CircuitBreakers.builder().failures(3).probeAfter(Duration.ofMillis(200)).build();
    breakers.onChange((type, state) -> System.out.println("breaker for " + type + ": " + state));
    SlowLane model = new SlowLane();
    try (WorkQueue queue = InMemoryWorkQueue.builder("requests").build();
        WorkQueue slowLane = InMemoryWorkQueue.builder("requests-slow").build();
        Worker worker = model.start(queue, breakers, slowLane)) {
      for (int i = 0; i < 3; i++) {
        enqueue(queue, SUMMARY);
        enqueue(queue, "chat");
      }
      while (worker.stats().diverted() < 3 || worker.stats().handled() < 3) {
        Thread.sleep(10);
      }
      System.out.println("chats answered: " + worker.stats().handled());

      Delivery aside = slowLane.poll(Duration.ofSeconds(10)).orElseThrow();
      System.out.println(
          "set aside: " + aside.message().header(TypeBreaker.CAUSE_HEADER).orElseThrow());
      aside.giveBack().join();

      model.broken.set(false);
      while (breakers.state(SUMMARY) != BreakerState.CLOSED) {
        enqueue(queue, SUMMARY);
        Thread.sleep(50);
      }
      try (Worker slow = Worker.builder(slowLane).handler((d, c) -> model.answer(d)).start()) {
        while (slowLane.depth().backlog() > 0) {
          Thread.sleep(10);
        }
        System.out.println("dead letters: " + slow.stats().deadLettered());
      }
      System.out.println("the slow lane is empty");
    }
  }
}
