package dev.forebay.queue.examples;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.progress.InMemoryProgressStore;
import dev.forebay.queue.progress.ProgressStore;
import dev.forebay.queue.worker.Drain;
import dev.forebay.queue.worker.GiveBackException;
import dev.forebay.queue.worker.Handler;
import dev.forebay.queue.worker.HandlerContext;
import dev.forebay.queue.worker.Worker;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How does an hour's job survive a deployment, or the loss of its machine, without starting anew?
 *
 * <p>It says at each step how far it has come, in a store that the workers share, and asks at its
 * start where to go on. When the worker drains by {@link Drain#CHECKPOINT} the step is also where
 * the job stops: the message goes back at once, without burning an attempt, and another worker goes
 * on with it.
 *
 * <p>Here the store is one process's memory. For all workers of a fleet take Redis, from the module
 * queue-redis; whatever happens to Redis costs steps made again at most, never a message:
 *
 * <pre>{@code
 * ProgressStore store = RedisProgressStore.builder(redisClient, redisUri).build();
 * }</pre>
 */
public final class ResumableJob implements Handler<Delivery> {

  private static final int STEPS = 10;

  private final AtomicInteger stepsMade = new AtomicInteger();
  private final CountDownLatch underWay = new CountDownLatch(3);
  private final CountDownLatch done = new CountDownLatch(1);

  @Override
  public void handle(Delivery delivery, HandlerContext context) throws InterruptedException {
    int step = context.progress().map(bytes -> ByteBuffer.wrap(bytes).getInt()).orElse(0);
    System.out.println(step == 0 ? "begins" : "goes on after step " + step);
    while (step < STEPS) {
      Thread.sleep(50); // stands for a step of the model
      step++;
      stepsMade.incrementAndGet();
      underWay.countDown();
      try {
        context.checkpoint(ByteBuffer.allocate(Integer.BYTES).putInt(step).array());
      } catch (GiveBackException e) {
        System.out.println("stops after step " + step);
        throw e; // swallowed, it would give the message back all the same
      }
    }
    done.countDown();
  }

  private Worker start(WorkQueue queue, ProgressStore store) {
    return Worker.builder(queue)
        .progress(store)
        .drain(Drain.CHECKPOINT)
        .grace(Duration.ofSeconds(20))
        .handler(this)
        .start();
  }

  /** One worker begins a job and is closed in the middle; another one finishes it. */
  public static void main(String[] args) throws InterruptedException {
    ResumableJob job = new ResumableJob();
    ProgressStore store = InMemoryProgressStore.create();
    try (WorkQueue queue = InMemoryWorkQueue.builder("training").build()) {
      queue.enqueue(Message.text("a job of " + STEPS + " steps")).join().orThrow();
      Worker first = job.start(queue, store);
      job.underWay.await();
      first.close();
      System.out.println("given back: " + first.stats().returned());
      try (Worker second = job.start(queue, store)) {
        job.done.await();
        System.out.println("attempts failed: " + second.stats().failed());
      }
      System.out.println("steps made: " + job.stepsMade.get());
    }
  }
}
