package dev.forebay.queue.examples;

import dev.forebay.queue.JsonCodec;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.dedup.DedupOptions;
import dev.forebay.queue.dedup.DedupStore;
import dev.forebay.queue.dedup.DuplicateHandler;
import dev.forebay.queue.dedup.InMemoryDedupStore;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.worker.Handler;
import dev.forebay.queue.worker.Worker;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * How do I keep a request that comes twice from costing the GPU twice?
 *
 * <p>Give each request a dedup id and the worker a store. A second message with the id is acked
 * without running, also when the first is still running, and also when it was finished but its ack
 * got lost. The result, if small, is kept with the completion, so that the second caller gets an
 * answer too.
 *
 * <p>Here the store is one process's memory. For all workers of a fleet take Redis, from the module
 * queue-redis; whatever happens to Redis costs a second run at most, never a message:
 *
 * <pre>{@code
 * DedupStore store = RedisDedupStore.builder(redisClient, redisUri).build();
 * }</pre>
 */
public final class Deduplication {

  private Deduplication() {}

  /** A worker that runs each request once and answers each message. */
  static Worker start(WorkQueue queue, DedupStore store, Replies replies) {
    Handler<Prompt> model =
        (prompt, context) -> {
          String answer = "answer to " + prompt.text();
          replies.send(prompt.id(), answer);
          context.keepResult(answer.getBytes(StandardCharsets.UTF_8));
        };
    DuplicateHandler again =
        (delivery, result) ->
            replies.send(
                delivery.id(),
                result
                    .map(bytes -> "again: " + new String(bytes, StandardCharsets.UTF_8))
                    .orElse("answered before"));
    return Worker.builder(queue)
        .slots(4)
        .dedup(
            store,
            DedupOptions.defaults()
                .namespace("tenant-1")
                .retention(Duration.ofHours(6))
                .onStoreFailure(DedupOptions.StoreFailure.PROCESS)
                .duplicates(again))
        .handler(JsonCodec.of(Prompt.class), model)
        .start();
  }

  /** Where answers go. */
  interface Replies {
    void send(String to, String answer);
  }

  /** Sends one request twice, the second time after the queue has forgotten the first one's id. */
  public static void main(String[] args) throws InterruptedException {
    CountDownLatch both = new CountDownLatch(2);
    Replies replies =
        (to, answer) -> {
          System.out.println(answer);
          both.countDown();
        };
    try (WorkQueue queue =
            InMemoryWorkQueue.builder("inference").dedupWindow(Duration.ofMillis(1)).build();
        Worker worker = start(queue, InMemoryDedupStore.create(), replies)) {
      Prompt prompt = new Prompt("p1", "why is the sky blue?");
      queue.enqueue(Message.json(prompt).dedupId("request-1")).join().orThrow();
      while (worker.stats().handled() == 0) {
        Thread.sleep(10);
      }
      queue.enqueue(Message.json(prompt).dedupId("request-1")).join().orThrow();
      both.await();
      System.out.println("the model ran " + worker.stats().handled() + " time");
    }
  }
}
