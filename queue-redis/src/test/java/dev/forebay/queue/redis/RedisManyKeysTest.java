package dev.forebay.queue.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.dedup.Claim;
import dev.forebay.queue.dedup.ClaimOutcome;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.testkit.server.RedisServer;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Two messages a key, of a million keys in the soak, through a Redis that is flushed and restarted
 * empty in the middle: the work of every key runs, and what nobody completed is never taken for
 * finished (U3). {@code -Dforebay.redis.seed} decides which works fail and when the disturbances
 * come.
 */
class RedisManyKeysTest {

  private static final boolean SOAK = Boolean.getBoolean("forebay.soak");
  private static final int KEYS = SOAK ? 1_000_000 : 50_000;
  private static final long SEED = Long.getLong("forebay.redis.seed", 11);

  /** Keys asked for together. */
  private static final int AT_ONCE = 500;

  private static final int WINDOWS = KEYS / AT_ONCE;

  private static final Duration LONG = Duration.ofHours(1);
  private static final Duration TIMEOUT = Duration.ofSeconds(2);
  private static final Duration PATIENT = Duration.ofSeconds(60);

  /** What is known of a key's completion. */
  private enum Completion {
    NEVER,
    MAYBE,
    SURELY
  }

  private final String name = UUID.randomUUID().toString();
  private final boolean[] succeeds = new boolean[KEYS];
  private final int[] runs = new int[KEYS];
  private final Completion[] completions = new Completion[KEYS];
  private final AtomicInteger falsePositives = new AtomicInteger();
  private final AtomicInteger recognised = new AtomicInteger();
  private final AtomicInteger forgotten = new AtomicInteger();
  private final AtomicInteger withoutStore = new AtomicInteger();
  private final AtomicInteger lostClaims = new AtomicInteger();

  @Test
  void U3_manyKeysThroughAFlushAndARestart_noneLost_noneFalselyFinished() {
    SplittableRandom random = new SplittableRandom(SEED);
    for (int key = 0; key < KEYS; key++) {
      succeeds[key] = random.nextBoolean();
      completions[key] = Completion.NEVER;
    }
    int flush = random.nextInt(WINDOWS / 4, WINDOWS / 2);
    int stop = random.nextInt(WINDOWS / 2 + 1, WINDOWS * 3 / 4);
    long began = System.nanoTime();
    RedisClient client = RedisClient.create();
    try (RedisServer server = RedisServer.start(false);
        RedisDedupStore store =
            RedisDedupStore.builder(client, RedisURI.create(server.uri()))
                .timeout(TIMEOUT)
                .build()) {
      for (int window = 0; window < WINDOWS; window++) {
        if (window == flush) {
          messages(store, window, () -> flush(server));
        } else if (window == stop) {
          messages(store, window, server::stop);
        } else {
          messages(store, window, () -> {});
        }
        messages(store, window, () -> {});
        if (window == stop + 1) {
          server.restart();
          await().atMost(PATIENT).until(() -> answers(store));
        }
      }
      for (int window = 0; window < WINDOWS; window++) {
        lookAgain(store, window);
      }
    } finally {
      client.shutdown(Duration.ZERO, Duration.ofSeconds(5));
    }
    int lost = 0;
    for (int times : runs) {
      lost += times == 0 ? 1 : 0;
    }
    String figures =
        String.format(
            "redis: %d keys, seed %d: lost %d, false positives %d; finished work recognised %d times,"
                + " forgotten by flush and restart %d, claims lost %d, run without the store %d;"
                + " %d s",
            KEYS,
            SEED,
            lost,
            falsePositives.get(),
            recognised.get(),
            forgotten.get(),
            lostClaims.get(),
            withoutStore.get(),
            TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began));
    if (SOAK) {
      System.out.println(figures);
    }
    assertThat(lost).as(figures).isZero();
    assertThat(falsePositives).as(figures).hasValue(0);
    // Else nothing was tried.
    assertThat(recognised.get()).as(figures).isGreaterThan(KEYS / 4);
    assertThat(forgotten).as(figures).hasPositiveValue();
    assertThat(lostClaims).as(figures).hasPositiveValue();
    assertThat(withoutStore).as(figures).hasPositiveValue();
  }

  private static void flush(RedisServer server) {
    assertThat(server.command("FLUSHALL")).isEqualTo("+OK");
    assertThat(server.command("SCRIPT FLUSH")).isEqualTo("+OK");
  }

  private boolean answers(RedisDedupStore store) {
    return !store
        .claim(Claim.on(DedupKey.of(name, UUID.randomUUID().toString())), LONG)
        .handle((outcome, failure) -> failure)
        .orTimeout(PATIENT.toSeconds(), TimeUnit.SECONDS)
        .thenApply(failure -> failure != null)
        .join();
  }

  private Claim claim(int key) {
    return Claim.on(DedupKey.of(name, Integer.toString(key)));
  }

  /**
   * A message of each key of a window, as a worker handles it: it runs unless its work is finished
   * or claimed, also when the store fails.
   *
   * @param inTheMiddle what happens when all have their claims and none has ended
   */
  private void messages(RedisDedupStore store, int window, Runnable inTheMiddle) {
    CompletableFuture<@Nullable Void> middle = new CompletableFuture<>();
    List<CompletableFuture<?>> asked = new ArrayList<>(AT_ONCE);
    List<CompletableFuture<?>> ended = new ArrayList<>(AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++) {
      int key = window * AT_ONCE + i;
      Claim claim = claim(key);
      CompletableFuture<@Nullable ClaimOutcome> answer =
          store.claim(claim, LONG).handle((outcome, failure) -> outcome);
      asked.add(answer);
      ended.add(
          answer
              .thenCombine(middle, (outcome, nothing) -> outcome)
              .thenCompose(outcome -> handle(store, key, claim, outcome)));
    }
    awaitAll(asked);
    inTheMiddle.run();
    middle.complete(null);
    awaitAll(ended);
  }

  private CompletableFuture<?> handle(
      RedisDedupStore store, int key, Claim claim, @Nullable ClaimOutcome outcome) {
    if (outcome == null) {
      withoutStore.incrementAndGet();
      runs[key]++;
    } else if (outcome instanceof ClaimOutcome.Finished) {
      finished(key);
    } else if (outcome instanceof ClaimOutcome.Granted) {
      runs[key]++;
      return succeeds[key] ? complete(store, key, claim) : release(store, claim);
    }
    return CompletableFuture.completedFuture(null);
  }

  private void finished(int key) {
    (completions[key] == Completion.NEVER ? falsePositives : recognised).incrementAndGet();
  }

  private CompletableFuture<?> complete(RedisDedupStore store, int key, Claim claim) {
    Completion before = completions[key];
    completions[key] = Completion.MAYBE;
    return store
        .complete(claim, null, LONG)
        .handle(
            (done, failure) -> {
              if (failure == null) {
                completions[key] = done ? Completion.SURELY : before;
                lostClaims.addAndGet(done ? 0 : 1);
              }
              return failure;
            });
  }

  private static CompletableFuture<?> release(RedisDedupStore store, Claim claim) {
    return store.release(claim).handle((released, failure) -> failure);
  }

  private void lookAgain(RedisDedupStore store, int window) {
    List<CompletableFuture<?>> looks = new ArrayList<>(AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++) {
      int key = window * AT_ONCE + i;
      looks.add(
          store
              .claim(claim(key), LONG)
              .handle(
                  (outcome, failure) -> {
                    if (outcome instanceof ClaimOutcome.Finished) {
                      finished(key);
                    } else if (failure == null && completions[key] == Completion.SURELY) {
                      forgotten.incrementAndGet();
                    }
                    return failure;
                  }));
    }
    awaitAll(looks);
  }

  private static void awaitAll(List<CompletableFuture<?>> all) {
    CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new))
        .orTimeout(PATIENT.toSeconds(), TimeUnit.SECONDS)
        .join();
  }
}
