package dev.forebay.queue.examples.redis;

import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.dedup.DedupOptions;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.redis.RedisDedupStore;
import dev.forebay.queue.worker.Worker;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;

/**
 * How do all workers of a fleet know that a request is done already?
 *
 * <p>Give them a dedup store in one Redis. A worker claims the work before it runs and completes
 * the claim before the ack, so that another worker that gets the same request again, in a second
 * message or because an ack was lost, acks it without running and answers it with the kept result.
 * Whatever happens to Redis costs a second run at most, never a message.
 */
public final class RedisDedup {

  private final RedisDedupStore store;
  private final CountDownLatch answered = new CountDownLatch(2);

  private RedisDedup(RedisDedupStore store) {
    this.store = store;
  }

  private void answer(String worker, String text) {
    System.out.println(worker + ": " + text);
    answered.countDown();
  }

  /** One process of the fleet. */
  private Worker start(String name, WorkQueue queue) {
    DedupOptions options =
        DedupOptions.defaults()
            .namespace("tenant-1")
            .retention(Duration.ofHours(6))
            .duplicates(
                (delivery, result) ->
                    answer(
                        name,
                        result
                            .map(bytes -> "again, " + new String(bytes, StandardCharsets.UTF_8))
                            .orElse("answered before")));
    return Worker.builder(queue)
        .dedup(store, options)
        .handler(
            (delivery, context) -> {
              String text = "answer to " + delivery.message().text();
              context.keepResult(text.getBytes(StandardCharsets.UTF_8));
              answer(name, text);
            })
        .start();
  }

  /**
   * Sends one request to two workers that have nothing in common but Redis.
   *
   * @param args where Redis is; {@code redis://localhost:6379} unless given
   */
  public static void main(String[] args) throws InterruptedException {
    RedisClient client = RedisClient.create();
    RedisURI uri = RedisURI.create(args.length > 0 ? args[0] : "redis://localhost:6379");
    String request = "request-" + UUID.randomUUID();
    try (RedisDedupStore store = RedisDedupStore.builder(client, uri).build();
        WorkQueue here = InMemoryWorkQueue.builder("inference").build();
        WorkQueue there = InMemoryWorkQueue.builder("inference").build()) {
      RedisDedup fleet = new RedisDedup(store);
      long ran = 0;
      try (Worker first = fleet.start("first worker", here)) {
        here.enqueue(Message.text("why is the sky blue?").dedupId(request)).join().orThrow();
        while (first.stats().handled() == 0) {
          Thread.sleep(5);
        }
        ran += first.stats().handled();
      }
      try (Worker second = fleet.start("second worker", there)) {
        there.enqueue(Message.text("why is the sky blue?").dedupId(request)).join().orThrow();
        fleet.answered.await();
        ran += second.stats().handled();
      }
      System.out.println("the model ran " + ran + " time");
    } finally {
      client.shutdown();
    }
  }
}
