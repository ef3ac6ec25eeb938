package dev.forebay.queue.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.dedup.DedupOptions;
import dev.forebay.queue.memory.InMemoryStore;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.testkit.server.RedisServer;
import dev.forebay.queue.worker.Worker;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Two workers share a Redis to which everything happens that may: nothing is lost. */
class WorkerOnRedisTest {

  private static final int TEXTS = 2_000;

  /** So many texts, then all of them again: duplicates come before and after each disturbance. */
  private static final int BLOCK = 50;

  private static final Duration LIMIT = Duration.ofSeconds(90);

  private final ConcurrentMap<String, AtomicInteger> ran = new ConcurrentHashMap<>();
  private final AtomicInteger recognised = new AtomicInteger();
  private final AtomicInteger runs = new AtomicInteger();

  private Worker worker(WorkQueue queue, RedisDedupStore store, CountDownLatch... stops) {
    return Worker.builder(queue)
        .slots(8)
        .dedup(
            store,
            DedupOptions.defaults()
                .key(delivery -> DedupKey.of(delivery.message().text()))
                .claimTerm(Duration.ofSeconds(10))
                .duplicates((delivery, result) -> recognised.incrementAndGet()))
        .handler((delivery, context) -> handle(delivery, stops))
        .start();
  }

  /** Waits at two points, so that what happens to Redis happens in the middle of the work. */
  private void handle(Delivery delivery, CountDownLatch... stops) throws InterruptedException {
    ran.computeIfAbsent(delivery.message().text(), text -> new AtomicInteger()).incrementAndGet();
    int number = runs.incrementAndGet();
    if (number > TEXTS / 3) {
      stops[0].await();
    }
    if (number > 2 * TEXTS / 3) {
      stops[1].await();
    }
  }

  @Test
  void U3_redisIsFlushedAndRestartedInTheMiddle_nothingIsLost() {
    RedisClient client = RedisClient.create();
    InMemoryStore queues = new InMemoryStore();
    CountDownLatch flushed = new CountDownLatch(1);
    CountDownLatch restarted = new CountDownLatch(1);
    try (RedisServer server = RedisServer.start(false);
        RedisDedupStore one = store(client, server);
        RedisDedupStore two = store(client, server);
        WorkQueue queue = queue(queues, "work");
        WorkQueue other = queue(queues, "work");
        WorkQueue dead = queue(queues, "work.dlq")) {
      List<Message> messages = new ArrayList<>();
      for (int from = 0; from < TEXTS; from += BLOCK) {
        for (int i = 0; i < 2 * BLOCK; i++) {
          messages.add(Message.text("text " + (from + i % BLOCK)));
        }
      }
      queue.enqueueAll(messages).join().forEach(outcome -> outcome.orThrow());
      try (Worker first = worker(queue, one, flushed, restarted);
          Worker second = worker(other, two, flushed, restarted)) {
        await().atMost(LIMIT).until(() -> runs.get() > TEXTS / 3);
        assertThat(server.command("FLUSHALL")).isEqualTo("+OK");
        assertThat(server.command("SCRIPT FLUSH")).isEqualTo("+OK");
        flushed.countDown();
        await().atMost(LIMIT).until(() -> runs.get() > 2 * TEXTS / 3);
        server.stop();
        restarted.countDown();
        await().atMost(LIMIT).until(() -> runs.get() > 2 * TEXTS / 3 + 50);
        server.restart();
        await().atMost(LIMIT).until(() -> queue.depth().backlog() == 0);
        await().atMost(LIMIT).until(() -> first.stats().running() + second.stats().running() == 0);
      }
      assertThat(dead.poll(Duration.ZERO)).isEmpty();
      assertThat(ran).as("every text has run").hasSize(TEXTS);
      assertThat(runs.get() + recognised.get())
          .as("every message was run or recognised")
          .isEqualTo(2 * TEXTS);
      assertThat(recognised.get()).as("the store was of use").isPositive();
    } finally {
      flushed.countDown();
      restarted.countDown();
      client.shutdown(Duration.ZERO, Duration.ofSeconds(5));
    }
  }

  private static RedisDedupStore store(RedisClient client, RedisServer server) {
    return RedisDedupStore.builder(client, RedisURI.create(server.uri()))
        .timeout(Duration.ofSeconds(10))
        .build();
  }

  private static WorkQueue queue(InMemoryStore queues, String name) {
    // Longer than any stall: each message is delivered once unless it is given back.
    InMemoryWorkQueue.Builder builder =
        InMemoryWorkQueue.builder(name).store(queues).lease(Duration.ofMinutes(5));
    return (name.endsWith(".dlq") ? builder.withoutDeadLetters() : builder).build();
  }
}
