package dev.forebay.queue.examples;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.worker.Handler;
import dev.forebay.queue.worker.HandlerContext;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/**
 * What if a job runs much longer than its lease?
 *
 * <p>Nothing to do: the worker extends the lease while the handler runs. A careful handler looks
 * now and then whether the lease still holds, and writes its result on the condition that no later
 * delivery has written one: the fencing token.
 */
public final class LongRunningJob implements Handler<Delivery> {

  private record Result(long token, String text) {}

  private final Map<String, Result> results = new ConcurrentHashMap<>();
  private final CountDownLatch finished = new CountDownLatch(1);
  private final int steps;
  private final Duration step;

  /** A job of so many steps, each of this length. */
  public LongRunningJob(int steps, Duration step) {
    this.steps = steps;
    this.step = step;
  }

  @Override
  public void handle(Delivery delivery, HandlerContext context) throws InterruptedException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < steps; i++) {
      context.checkLease();
      Thread.sleep(step.toMillis()); // stands for a step of the model
      text.append(delivery.message().text()).append(i);
    }
    results.merge(
        delivery.id(),
        new Result(context.fencingToken(), text.toString()),
        (old, fresh) -> fresh.token > old.token ? fresh : old);
    finished.countDown();
  }

  /** The result of the message with this id; waits for the first job to finish. */
  public String result(String messageId) throws InterruptedException {
    finished.await();
    Result result = results.get(messageId);
    return result == null ? "" : result.text;
  }

  /** Runs a job of ten times its lease. */
  public static void main(String[] args) throws InterruptedException {
    LongRunningJob job = new LongRunningJob(10, Duration.ofMillis(100));
    try (WorkQueue queue =
            InMemoryWorkQueue.builder("training").lease(Duration.ofMillis(100)).build();
        Worker worker = Worker.builder(queue).slots(1).handler(job).start()) {
      String id = queue.enqueue(Message.text("step ")).join().orThrow();
      System.out.println(job.result(id) + ", leases extended: " + worker.stats().extensions());
    }
  }
}
