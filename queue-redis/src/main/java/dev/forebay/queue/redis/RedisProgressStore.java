package dev.forebay.queue.redis;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.progress.ProgressStore;
import dev.forebay.queue.time.SystemTimeSource;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulRedisConnection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Keeps the progress of unfinished work in Redis, for all processes that use the same server and
 * prefix: work that one of them hands back is gone on with by another one.
 *
 * <pre>{@code
 * RedisProgressStore store =
 *     RedisProgressStore.builder(redisClient, RedisURI.create("redis://cache:6379")).build();
 * }</pre>
 *
 * <p>Each call is one script on one key, so each is one step, with the time-to-live in it. A Redis
 * that restarts empty, is flushed or evicts keys has forgotten, which costs work done again and
 * never a message. The same goes for a failover to a replica that lags behind.
 *
 * <p>While Redis is away calls fail at once; the connection comes back by itself, also when Redis
 * was not there at the start. Commands go over one connection of its own; the client stays the
 * caller's, and so do its settings, credentials and TLS. For a Redis server with or without
 * Sentinel; a cluster needs a proxy in front.
 *
 * <p>Thread-safe. Futures complete on the client's threads.
 */
public final class RedisProgressStore implements ProgressStore, AutoCloseable {

  private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(1);
  private static final String DEFAULT_PREFIX = "forebay:progress:";

  /** More than ten thousand slots ask for at once. */
  private static final int MAX_PENDING = 50_000;

  /** Of progress on its way to Redis: a thousand of the largest, many thousands of usual ones. */
  private static final long MAX_PENDING_BYTES = 64L << 20;

  // What the scripts answer.
  private static final long REFUSED = 0;
  private static final long FOREIGN = 2;

  private static final RedisScript LOAD =
      RedisScript.of("progress-load.lua", ScriptOutputType.MULTI);
  private static final RedisScript SAVE =
      RedisScript.of("progress-save.lua", ScriptOutputType.INTEGER);
  private static final RedisScript CLEAR =
      RedisScript.of("progress-clear.lua", ScriptOutputType.INTEGER);

  private final RedisLink link;
  private final String prefix;
  private final AtomicLong pendingBytes = new AtomicLong();

  private RedisProgressStore(Builder builder) {
    prefix = builder.prefix;
    link =
        new RedisLink(
            "progress store",
            "unfinished work begins anew",
            builder.client,
            builder.uri,
            builder.timeout,
            MAX_PENDING,
            SystemTimeSource.get());
  }

  /**
   * Starts to describe a store.
   *
   * @param client the caller's, which the store does not shut down
   * @param uri where Redis is; its credentials and TLS settings are used as they are
   */
  public static Builder builder(RedisClient client, RedisURI uri) {
    return new Builder(client, uri);
  }

  @Override
  public CompletableFuture<Optional<byte[]>> load(DedupKey work, long token) {
    return link.<List<Object>>call(open -> LOAD.run(open.async(), key(work), digits(token)))
        .thenApply(
            answer -> {
              requireOurs((Long) answer.get(0));
              return answer.size() < 2 ? Optional.empty() : Optional.of((byte[]) answer.get(1));
            });
  }

  @Override
  public CompletableFuture<Boolean> save(
      DedupKey work, long token, byte[] progress, Duration retention) {
    if (progress.length > MAX_BYTES) {
      throw new IllegalArgumentException(
          "Progress of " + progress.length + " bytes is too large; at most " + MAX_BYTES + " are.");
    }
    byte[] millis = RedisArguments.millis("A retention", retention);
    // The client keeps it until there is an answer, also when the caller waits no more.
    byte[] kept = progress.clone();
    return link.<Long>call(open -> send(open, key(work), digits(token), millis, kept))
        .thenApply(RedisProgressStore::isDone);
  }

  private CompletableFuture<Long> send(
      StatefulRedisConnection<byte[], byte[]> open,
      byte[] key,
      byte[] token,
      byte[] millis,
      byte[] progress) {
    takeRoom(progress.length);
    CompletableFuture<Long> answer;
    try {
      answer = SAVE.run(open.async(), key, token, millis, progress);
    } catch (RuntimeException e) {
      answer = CompletableFuture.failedFuture(e);
    }
    return answer.whenComplete((done, failure) -> pendingBytes.addAndGet(-progress.length));
  }

  private void takeRoom(int bytes) {
    if (pendingBytes.addAndGet(bytes) > MAX_PENDING_BYTES) {
      pendingBytes.addAndGet(-bytes);
      throw new QueueException(
          ErrorCode.OVERLOADED,
          MAX_PENDING_BYTES + " bytes of progress wait for an answer of Redis already.");
    }
  }

  @Override
  public CompletableFuture<Boolean> clear(DedupKey work, long token) {
    return link.<Long>call(open -> CLEAR.run(open.async(), key(work), digits(token)))
        .thenApply(RedisProgressStore::isDone);
  }

  /** Closes the connection, not the client. Idempotent. */
  @Override
  public void close() {
    link.close();
  }

  private byte[] key(DedupKey key) {
    return RedisArguments.key(prefix, key);
  }

  /**
   * In twenty digits, which compare as text as the numbers do: Redis's own numbers are doubles, and
   * SQS's tokens are larger than those are exact.
   */
  private static byte[] digits(long token) {
    String unsigned = Long.toUnsignedString(token ^ Long.MIN_VALUE);
    return ("0".repeat(20 - unsigned.length()) + unsigned).getBytes(StandardCharsets.US_ASCII);
  }

  private static boolean isDone(long answer) {
    requireOurs(answer);
    return answer != REFUSED;
  }

  private static void requireOurs(long answer) {
    if (answer == FOREIGN) {
      throw new QueueException(
          ErrorCode.MISCONFIGURED,
          "A key of the progress store holds a value of somebody else's; choose another prefix.");
    }
  }

  /** Describes a store; {@link #build} makes it. Not thread-safe. */
  public static final class Builder {

    private final RedisClient client;
    private final RedisURI uri;
    private Duration timeout = DEFAULT_TIMEOUT;
    private String prefix = DEFAULT_PREFIX;

    private Builder(RedisClient client, RedisURI uri) {
      this.client = Objects.requireNonNull(client);
      this.uri = Objects.requireNonNull(uri);
    }

    /** How long a call may take, 1 s unless set; then it fails. */
    public Builder timeout(Duration atMost) {
      if (atMost.isNegative() || atMost.isZero()) {
        throw new IllegalArgumentException("A time-out must be positive, not " + atMost);
      }
      timeout = atMost;
      return this;
    }

    /** What the keys in Redis begin with, {@code forebay:progress:} unless set. */
    public Builder prefix(String text) {
      prefix = Objects.requireNonNull(text);
      return this;
    }

    /** Makes the store. It connects with its first call. */
    public RedisProgressStore build() {
      return new RedisProgressStore(this);
    }
  }
}
