package dev.forebay.queue.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.testkit.server.RedisServer;
import dev.forebay.queue.worker.Worker;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** What is Redis's own: restarts, flushes, values of others, and a worker above all that. */
class RedisProgressStoreTest {

  private static final Duration LONG = Duration.ofMinutes(10);

  /** Long enough for any answer on a busy machine. */
  private static final Duration PATIENT = Duration.ofSeconds(30);

  private static final byte[] PROGRESS = {1, 2, 3};

  private static final RedisClient CLIENT = RedisClient.create();

  @AfterAll
  static void disconnect() {
    CLIENT.shutdown(Duration.ZERO, Duration.ofSeconds(5));
  }

  private static RedisProgressStore store(RedisServer server) {
    return RedisProgressStore.builder(CLIENT, RedisURI.create(server.uri()))
        .timeout(PATIENT)
        .build();
  }

  private static DedupKey fresh() {
    return DedupKey.of("test", UUID.randomUUID().toString());
  }

  private static String redisKey(DedupKey key) {
    return "forebay:progress:"
        + Base64.getUrlEncoder().withoutPadding().encodeToString(key.bytes());
  }

  private static <T> T get(CompletableFuture<T> future) {
    return future.orTimeout(60, TimeUnit.SECONDS).join();
  }

  private static void save(RedisProgressStore store, DedupKey key, long token) {
    assertThat(get(store.save(key, token, PROGRESS, LONG))).isTrue();
  }

  private static ErrorCode code(Supplier<CompletableFuture<?>> call) {
    Throwable failure = catchThrowable(() -> get(call.get()));
    assertThat(failure).cause().isInstanceOf(QueueException.class);
    return ((QueueException) failure.getCause()).code();
  }

  private static long timeToLive(RedisServer server, DedupKey key) {
    return Long.parseLong(server.command("PTTL " + redisKey(key)).substring(1));
  }

  @Test
  void everyKeyHasATimeToLiveWhichAReadLeavesAsItIs() {
    RedisServer server = RedisServer.shared();
    try (RedisProgressStore store = store(server)) {
      DedupKey key = fresh();
      save(store, key, 1);
      assertThat(timeToLive(server, key)).isBetween(1L, LONG.toMillis());
      assertThat(get(store.load(key, 2)).orElseThrow()).isEqualTo(PROGRESS);
      assertThat(timeToLive(server, key)).isBetween(1L, LONG.toMillis());
      assertThat(get(store.clear(key, 2))).isTrue();
      assertThat(server.command("EXISTS " + redisKey(key))).isEqualTo(":0");
    }
  }

  @Test
  void valuesOfOthersAreNeitherReadNorOverwritten() {
    RedisServer server = RedisServer.shared();
    try (RedisProgressStore store = store(server)) {
      for (String value :
          List.of("hello", "P", "P123", "P1234567890123456789x", "D12345678901234567890")) {
        DedupKey key = fresh();
        assertThat(server.command("SET " + redisKey(key) + " " + value + " PX 60000"))
            .isEqualTo("+OK");
        assertThat(code(() -> store.load(key, 5))).as(value).isEqualTo(ErrorCode.MISCONFIGURED);
        assertThat(code(() -> store.save(key, 5, PROGRESS, LONG)))
            .as(value)
            .isEqualTo(ErrorCode.MISCONFIGURED);
        assertThat(code(() -> store.clear(key, 5))).as(value).isEqualTo(ErrorCode.MISCONFIGURED);
        assertThat(server.command("STRLEN " + redisKey(key))).isEqualTo(":" + value.length());
      }
      DedupKey list = fresh();
      assertThat(server.command("RPUSH " + redisKey(list) + " x")).isEqualTo(":1");
      assertThat(code(() -> store.load(list, 5))).isEqualTo(ErrorCode.MISCONFIGURED);
      assertThat(code(() -> store.save(list, 5, PROGRESS, LONG)))
          .isEqualTo(ErrorCode.MISCONFIGURED);
      server.command("DEL " + redisKey(list));
    }
  }

  @Test
  void flushedItHasForgottenAndWorksOn() {
    try (RedisServer server = RedisServer.start(false);
        RedisProgressStore store = store(server)) {
      DedupKey key = fresh();
      save(store, key, 5);
      assertThat(server.command("SCRIPT FLUSH")).isEqualTo("+OK");
      assertThat(get(store.load(key, 5))).isPresent();
      assertThat(server.command("FLUSHALL")).isEqualTo("+OK");
      assertThat(server.command("SCRIPT FLUSH")).isEqualTo("+OK");
      assertThat(get(store.load(key, 5))).isEmpty();
      save(store, key, 4);
    }
  }

  @Test
  void closedItSaysSo() {
    RedisProgressStore store = store(RedisServer.shared());
    store.close();
    assertThat(code(() -> store.load(fresh(), 1))).isEqualTo(ErrorCode.CLOSED);
  }

  @Test
  void moreThanMayWaitIsRefusedAndAnAnswerMakesRoom() {
    try (RedisServer server = RedisServer.start(false);
        RedisProgressStore store =
            RedisProgressStore.builder(CLIENT, RedisURI.create(server.uri()))
                .timeout(Duration.ofSeconds(2))
                .build()) {
      await().atMost(PATIENT).until(() -> catchThrowable(() -> save(store, fresh(), 1)) == null);
      byte[] largest = new byte[RedisProgressStore.MAX_BYTES];
      assertThat(server.command("CLIENT PAUSE 60000 ALL")).isEqualTo("+OK");
      List<CompletableFuture<Boolean>> saves = new CopyOnWriteArrayList<>();
      for (int i = 0; i < 1_024; i++) {
        saves.add(store.save(fresh(), 1, largest, LONG));
      }
      for (CompletableFuture<Boolean> save : saves) {
        assertThat(code(() -> save)).isEqualTo(ErrorCode.AMBIGUOUS);
      }
      assertThat(code(() -> store.save(fresh(), 1, largest, LONG)))
          .as("the client has them all still")
          .isEqualTo(ErrorCode.OVERLOADED);
      server.stop();
      server.restart();
      await().atMost(PATIENT).until(() -> catchThrowable(() -> save(store, fresh(), 1)) == null);
    }
  }

  /** The store is taken away and comes back empty between attempts; each message gets done. */
  @Test
  void aWorkerGoesOnWhileRedisIsAwayAndResumesWhenItIsThere() {
    List<String> seen = new CopyOnWriteArrayList<>();
    try (RedisServer server = RedisServer.start(false);
        RedisProgressStore store = store(server);
        WorkQueue queue = InMemoryWorkQueue.builder("work").build()) {
      queue.enqueue(Message.text("a")).join().orThrow();
      try (Worker worker =
          Worker.builder(queue)
              .progress(store)
              .retry(
                  RetryPolicy.exponential(Duration.ofMillis(1), Duration.ofMillis(1))
                      .maxAttempts(5))
              .handler(
                  (delivery, context) -> {
                    byte from = context.progress().map(bytes -> bytes[0]).orElse((byte) 0);
                    seen.add(context.attempt() + " from " + from);
                    if (context.attempt() == 2) {
                      server.stop();
                      assertThat(context.saveProgress(new byte[] {(byte) (from + 1)})).isFalse();
                      server.restart();
                      await()
                          .atMost(PATIENT)
                          .until(() -> context.saveProgress(new byte[] {(byte) (from + 2)}));
                    } else {
                      assertThat(context.saveProgress(new byte[] {(byte) (from + 1)})).isTrue();
                    }
                    if (context.attempt() < 4) {
                      throw new IllegalStateException("made up");
                    }
                  })
              .start()) {
        await().atMost(PATIENT).until(() -> worker.stats().handled() == 1);
      }
      assertThat(seen).containsExactly("1 from 0", "2 from 1", "3 from 3", "4 from 4");
      assertThat(server.command("DBSIZE")).as("forgotten with the ack").isEqualTo(":0");
    }
  }
}
