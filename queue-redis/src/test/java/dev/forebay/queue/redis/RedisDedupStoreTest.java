package dev.forebay.queue.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.dedup.Claim;
import dev.forebay.queue.dedup.ClaimOutcome;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.testkit.server.RedisServer;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.Base64;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** What is Redis's own: restarts, flushes, silence, values of others. */
class RedisDedupStoreTest {

  private static final Duration LONG = Duration.ofMinutes(10);

  /** Long enough for any answer on a busy machine. */
  private static final Duration PATIENT = Duration.ofSeconds(30);

  private static final RedisClient CLIENT = RedisClient.create();

  @AfterAll
  static void disconnect() {
    CLIENT.shutdown(Duration.ZERO, Duration.ofSeconds(5));
  }

  private static RedisDedupStore store(RedisServer server) {
    return RedisDedupStore.builder(CLIENT, RedisURI.create(server.uri())).timeout(PATIENT).build();
  }

  private static Claim fresh() {
    return Claim.on(DedupKey.of("test", UUID.randomUUID().toString()));
  }

  private static String redisKey(Claim claim) {
    return "forebay:dedup:"
        + Base64.getUrlEncoder().withoutPadding().encodeToString(claim.key().bytes());
  }

  private static <T> T get(CompletableFuture<T> future) {
    return future.orTimeout(60, TimeUnit.SECONDS).join();
  }

  private static void granted(RedisDedupStore store, Claim claim) {
    assertThat(get(store.claim(claim, LONG))).isInstanceOf(ClaimOutcome.Granted.class);
  }

  private static ErrorCode code(Supplier<CompletableFuture<?>> call) {
    Throwable failure = catchThrowable(() -> get(call.get()));
    assertThat(failure).cause().isInstanceOf(QueueException.class);
    return ((QueueException) failure.getCause()).code();
  }

  @Test
  void U2_scriptsFlushed_everyCallWorksOn() {
    try (RedisServer server = RedisServer.start(false);
        RedisDedupStore store = store(server)) {
      Claim claim = fresh();
      granted(store, claim);
      assertThat(server.command("SCRIPT FLUSH")).isEqualTo("+OK");
      assertThat(get(store.extend(claim, LONG))).isTrue();
      assertThat(server.command("SCRIPT FLUSH")).isEqualTo("+OK");
      assertThat(get(store.complete(claim, null, LONG))).isTrue();
      assertThat(server.command("SCRIPT FLUSH")).isEqualTo("+OK");
      assertThat(get(store.release(claim))).isFalse();
      assertThat(server.command("SCRIPT FLUSH")).isEqualTo("+OK");
      assertThat(get(store.claim(claim, LONG))).isInstanceOf(ClaimOutcome.Finished.class);
    }
  }

  @Test
  void U3_flushed_forgetsAndTakesNothingForFinished() {
    try (RedisServer server = RedisServer.start(false);
        RedisDedupStore store = store(server)) {
      Claim running = fresh();
      Claim done = fresh();
      granted(store, running);
      granted(store, done);
      assertThat(get(store.complete(done, null, LONG))).isTrue();
      assertThat(server.command("FLUSHALL")).isEqualTo("+OK");
      assertThat(get(store.complete(running, null, LONG))).isFalse();
      granted(store, Claim.on(running.key()));
      granted(store, Claim.on(done.key()));
    }
  }

  @Test
  void U3_restartedEmpty_isUsedAgainByItself() {
    try (RedisServer server = RedisServer.start(false);
        RedisDedupStore store = store(server)) {
      Claim claim = fresh();
      granted(store, claim);
      server.stop();
      await()
          .atMost(PATIENT)
          .until(() -> code(() -> store.claim(fresh(), LONG)) == ErrorCode.UNAVAILABLE);
      server.restart();
      await().atMost(PATIENT).until(() -> answers(store));
      granted(store, Claim.on(claim.key()));
    }
  }

  @Test
  void U2_restartedWithItsData_remembers() {
    try (RedisServer server = RedisServer.start(true);
        RedisDedupStore store = store(server)) {
      Claim running = fresh();
      Claim done = fresh();
      granted(store, running);
      granted(store, done);
      assertThat(get(store.complete(done, new byte[] {7}, LONG))).isTrue();
      server.stop();
      server.restart();
      await().atMost(PATIENT).until(() -> answers(store));
      assertThat(get(store.claim(Claim.on(running.key()), LONG)))
          .isInstanceOf(ClaimOutcome.InProgress.class);
      assertThat(get(store.complete(running, null, LONG))).isTrue();
      assertThat(get(store.claim(Claim.on(done.key()), LONG)))
          .isInstanceOfSatisfying(
              ClaimOutcome.Finished.class,
              finished -> assertThat(finished.result().orElseThrow()).containsExactly(7));
    }
  }

  private static boolean answers(RedisDedupStore store) {
    return catchThrowable(() -> get(store.claim(fresh(), LONG))) == null;
  }

  @Test
  void U3_awayAtTheStart_failsAndIsUsedOnceItIsThere() {
    try (RedisServer server = RedisServer.start(false)) {
      server.stop();
      try (RedisDedupStore store = store(server)) {
        for (int i = 0; i < 100; i++) {
          assertThat(code(() -> store.claim(fresh(), LONG))).isEqualTo(ErrorCode.UNAVAILABLE);
        }
        server.restart();
        await().atMost(PATIENT).until(() -> answers(store));
      }
    }
  }

  @Test
  void U3_silent_endsByTheTimeOut() throws Exception {
    // Accepts connections and never says a word.
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        RedisDedupStore store =
            RedisDedupStore.builder(CLIENT, RedisURI.create("127.0.0.1", silent.getLocalPort()))
                .timeout(Duration.ofMillis(200))
                .build()) {
      assertThat(code(() -> store.claim(fresh(), LONG))).isEqualTo(ErrorCode.AMBIGUOUS);
      assertThat(code(() -> store.complete(fresh(), null, LONG))).isEqualTo(ErrorCode.AMBIGUOUS);
    }
  }

  @Test
  void U3_passwordMissing_saysWhatToDo() {
    try (RedisServer server = RedisServer.start(false)) {
      assertThat(server.command("CONFIG SET requirepass not-a-secret")).isEqualTo("+OK");
      try (RedisDedupStore store = store(server)) {
        assertThatThrownBy(() -> get(store.claim(fresh(), LONG)))
            .cause()
            .isInstanceOfSatisfying(
                QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ACCESS_DENIED))
            .hasMessageContaining("password in the RedisURI");
      }
    }
  }

  @Test
  void U3_outOfMemory_isAFailureAndNoAnswer() {
    try (RedisServer server = RedisServer.start(false);
        RedisDedupStore store = store(server)) {
      Claim before = fresh();
      granted(store, before);
      assertThat(server.command("CONFIG SET maxmemory 1")).isEqualTo("+OK");
      assertThat(code(() -> store.claim(fresh(), LONG))).isEqualTo(ErrorCode.OVERLOADED);
      assertThat(server.command("CONFIG SET maxmemory 0")).isEqualTo("+OK");
      assertThat(get(store.complete(before, null, LONG))).isTrue();
    }
  }

  @Test
  void U3_valuesOfOthers_areNeverTakenForFinished() {
    RedisServer server = RedisServer.shared();
    try (RedisDedupStore store = store(server)) {
      for (String value : new String[] {"hello", "D", "Dshort", "R", "X234567890123456x"}) {
        Claim claim = fresh();
        assertThat(server.command("SET " + redisKey(claim) + " " + value + " PX 60000"))
            .isEqualTo("+OK");
        assertThat(code(() -> store.claim(claim, LONG)))
            .as(value)
            .isEqualTo(ErrorCode.MISCONFIGURED);
        assertThat(get(store.complete(claim, null, LONG))).as(value).isFalse();
      }
      Claim list = fresh();
      assertThat(server.command("RPUSH " + redisKey(list) + " x")).isEqualTo(":1");
      assertThat(code(() -> store.claim(list, LONG))).isEqualTo(ErrorCode.MISCONFIGURED);
      server.command("DEL " + redisKey(list));
    }
  }

  @Test
  void U2_everyKeyHasATimeToLive() {
    RedisServer server = RedisServer.shared();
    try (RedisDedupStore store = store(server)) {
      Claim claim = fresh();
      granted(store, claim);
      assertThat(timeToLive(server, claim)).isBetween(1L, LONG.toMillis());
      // Taken away by somebody: put back by the next who asks.
      assertThat(server.command("PERSIST " + redisKey(claim))).isEqualTo(":1");
      assertThat(get(store.claim(Claim.on(claim.key()), LONG)))
          .isEqualTo(new ClaimOutcome.InProgress(LONG));
      assertThat(timeToLive(server, claim)).isBetween(1L, LONG.toMillis());
      assertThat(get(store.complete(claim, null, LONG.multipliedBy(2)))).isTrue();
      assertThat(timeToLive(server, claim))
          .isBetween(LONG.toMillis(), LONG.multipliedBy(2).toMillis());
    }
  }

  private static long timeToLive(RedisServer server, Claim claim) {
    return Long.parseLong(server.command("PTTL " + redisKey(claim)).substring(1));
  }

  @Test
  void closed_saysSo() {
    RedisDedupStore store = store(RedisServer.shared());
    granted(store, fresh());
    store.close();
    store.close();
    assertThat(code(() -> store.claim(fresh(), LONG))).isEqualTo(ErrorCode.CLOSED);
  }
}
