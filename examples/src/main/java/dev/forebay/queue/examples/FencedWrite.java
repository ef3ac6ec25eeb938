package dev.forebay.queue.examples;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.time.ManualTimeSource;
import dev.forebay.queue.worker.Handler;
import dev.forebay.queue.worker.Worker;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/**
 * How do I keep a worker that was thought dead from overwriting the result of the one that took
 * over?
 *
 * <p>Write each result together with the delivery's fencing token, and only where no larger token
 * has been written: the store decides, not the worker. In SQL:
 *
 * <pre>{@code
 * UPDATE results SET answer = ?, token = ? WHERE id = ? AND token < ?
 * }</pre>
 *
 * <p>A handler finds the token in its context.
 */
public final class FencedWrite {

  /** A row of the table. */
  record Row(String answer, long token) {}

  private final Map<String, Row> table = new HashMap<>();

  /**
   * The conditional write.
   *
   * @return whether it was made; false for a worker whose message somebody else has taken over
   */
  synchronized boolean write(String id, String answer, long token) {
    Row row = table.get(id);
    if (row != null && row.token() >= token) {
      return false;
    }
    table.put(id, new Row(answer, token));
    return true;
  }

  /** What was written. */
  synchronized String read(String id) {
    return table.getOrDefault(id, new Row("nothing", 0)).answer();
  }

  /** A handler that writes what its worker has worked out, by the token of its delivery. */
  private Handler<Delivery> writing(String worker, String answer) {
    return (delivery, context) -> {
      boolean written = write(delivery.id(), answer, context.fencingToken());
      System.out.println(worker + ": " + (written ? "written" : "refused"));
    };
  }

  private static Worker start(WorkQueue queue, ManualTimeSource time, Handler<Delivery> handler) {
    return Worker.builder(queue)
        .time(time)
        .leases(LeasePolicy.defaults().maxRunTime(Duration.ofMinutes(1)))
        .handler(handler)
        .start();
  }

  /** Waits as a call into a driver does: nothing interrupts it. */
  private static void stall(CountDownLatch until) {
    while (until.getCount() > 0) {
      try {
        until.await();
      } catch (InterruptedException e) {
        // That the lease is lost does not reach the driver.
      }
    }
  }

  /** A worker stalls for longer than it may run, another one takes over, the first one wakes up. */
  public static void main(String[] args) throws InterruptedException {
    FencedWrite results = new FencedWrite();
    ManualTimeSource time = new ManualTimeSource();
    CountDownLatch stalled = new CountDownLatch(1);
    CountDownLatch wake = new CountDownLatch(1);
    Handler<Delivery> stale = results.writing("first worker", "stale");
    Handler<Delivery> stalling =
        (delivery, context) -> {
          stalled.countDown();
          stall(wake);
          stale.handle(delivery, context);
        };
    try (WorkQueue queue = InMemoryWorkQueue.builder("inference").time(time).build()) {
      String id = queue.enqueue(Message.text("prompt")).join().orThrow();
      try (Worker first = start(queue, time, stalling)) {
        stalled.await();
        time.advance(Duration.ofMinutes(2)); // the lease is no longer extended, and ends
        try (Worker second = start(queue, time, results.writing("second worker", "fresh"))) {
          while (second.stats().handled() == 0) {
            Thread.sleep(5);
          }
        }
        wake.countDown();
        while (first.stats().running() > 0) {
          Thread.sleep(5);
        }
        System.out.println(
            "leases lost: " + first.stats().leaseLost() + ", acked: " + first.stats().handled());
      }
      System.out.println("the answer is " + results.read(id));
    }
  }
}
