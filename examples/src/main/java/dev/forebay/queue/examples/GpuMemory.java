package dev.forebay.queue.examples;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.worker.Handler;
import dev.forebay.queue.worker.HandlerContext;
import dev.forebay.queue.worker.Worker;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How do I run at once only what fits into the memory of the GPU?
 *
 * <p>Give the worker permits, and say what each message costs. A message waits, its lease kept,
 * until what it costs is free; one that costs more than there is runs alone. The slots are the
 * other bound, on the number of messages whatever they cost.
 */
public final class GpuMemory implements Handler<Delivery> {

  private static final int GIGABYTES = 24;
  private static final String NEEDS = "gpu-gb";

  private final AtomicInteger inUse = new AtomicInteger();
  private final AtomicInteger most = new AtomicInteger();

  private static int needs(Message message) {
    return message.header(NEEDS).map(Integer::parseInt).orElse(1);
  }

  private Worker start(WorkQueue queue) {
    return Worker.builder(queue)
        .slots(16)
        .permits(GIGABYTES, GpuMemory::needs)
        .handler(this)
        .start();
  }

  @Override
  public void handle(Delivery delivery, HandlerContext context) throws InterruptedException {
    int needed = needs(delivery.message());
    int now = inUse.addAndGet(needed);
    Thread.sleep(20); // stands for a model's answer
    if (needed > GIGABYTES) {
      System.out.println(needed + " GB ran " + (inUse.get() == needed ? "alone" : "beside others"));
    } else {
      most.accumulateAndGet(now, Math::max);
    }
    inUse.addAndGet(-needed);
  }

  /** Jobs of 8 GB, of 12 GB, and one that is larger than the GPU. */
  public static void main(String[] args) throws InterruptedException {
    GpuMemory gpu = new GpuMemory();
    try (WorkQueue queue = InMemoryWorkQueue.builder("gpu").build();
        Worker worker = gpu.start(queue)) {
      int[] jobs = {8, 8, 12, 8, 12, 12, 30, 8, 8, 12};
      for (int gigabytes : jobs) {
        queue.enqueue(Message.text("job").header(NEEDS, Integer.toString(gigabytes)));
      }
      while (worker.stats().handled() < jobs.length) {
        Thread.sleep(10);
      }
    }
    System.out.println("the others: at most " + gpu.most + " GB of " + GIGABYTES + " at once");
  }
}
