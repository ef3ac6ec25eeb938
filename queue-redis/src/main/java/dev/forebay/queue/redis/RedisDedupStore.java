package dev.forebay.queue.redis;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.dedup.Claim;
import dev.forebay.queue.dedup.ClaimOutcome;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.dedup.DedupStore;
import dev.forebay.queue.time.SystemTimeSource;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScriptOutputType;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Remembers in Redis, for all processes that use the same server and prefix.
 *
 * <pre>{@code
 * RedisDedupStore store =
 *     RedisDedupStore.builder(redisClient, RedisURI.create("redis://cache:6379")).build();
 * }</pre>
 *
 * <p>Each call is one script on one key, so each is one step, with the time-to-live in it: what
 * nobody completes is free again by itself. A Redis that restarts empty, is flushed or evicts keys
 * has forgotten, which costs another run of the work and never a message (U3). The same goes for a
 * failover to a replica that lags behind.
 *
 * <p>While Redis is away calls fail at once; the connection comes back by itself, also when Redis
 * was not there at the start. Commands go over one connection of its own; the client stays the
 * caller's, and so do its settings, credentials and TLS. For a Redis server with or without
 * Sentinel; a cluster needs a proxy in front.
 *
 * <p>Thread-safe. Futures complete on the client's threads.
 */
public final class RedisDedupStore implements DedupStore, AutoCloseable {

  private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(1);
  private static final String DEFAULT_PREFIX = "forebay:dedup:";

  /** More than ten thousand slots ask for at once, and still only a few megabytes. */
  private static final int MAX_PENDING = 50_000;

  private static final int TOKEN_BYTES = 16;

  // First byte of a value; C, for a claim, stands in the scripts.
  private static final char DONE = 'D';
  private static final char DONE_WITH_RESULT = 'R';

  private static final RedisScript CLAIM = RedisScript.of("claim.lua", ScriptOutputType.MULTI);
  private static final RedisScript EXTEND = RedisScript.of("extend.lua", ScriptOutputType.BOOLEAN);
  private static final RedisScript COMPLETE =
      RedisScript.of("complete.lua", ScriptOutputType.BOOLEAN);
  private static final RedisScript RELEASE =
      RedisScript.of("release.lua", ScriptOutputType.BOOLEAN);

  private final RedisLink link;
  private final String prefix;

  private RedisDedupStore(Builder builder) {
    prefix = builder.prefix;
    link =
        new RedisLink(
            "dedup store",
            "work is not recognised",
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
  public CompletableFuture<ClaimOutcome> claim(Claim claim, Duration term) {
    byte[] millis = RedisArguments.millis("The term of a claim", term);
    return link.<List<Object>>call(
            open -> CLAIM.run(open.async(), key(claim.key()), token(claim), millis))
        .thenApply(RedisDedupStore::outcome);
  }

  @Override
  public CompletableFuture<Boolean> extend(Claim claim, Duration term) {
    byte[] millis = RedisArguments.millis("The term of a claim", term);
    return link.call(open -> EXTEND.run(open.async(), key(claim.key()), token(claim), millis));
  }

  @Override
  public CompletableFuture<Boolean> complete(
      Claim claim, byte @Nullable [] result, Duration retention) {
    byte[] millis = RedisArguments.millis("The retention of a completion", retention);
    byte[] completion = completion(result);
    return link.call(
        open -> COMPLETE.run(open.async(), key(claim.key()), token(claim), millis, completion));
  }

  @Override
  public CompletableFuture<Boolean> release(Claim claim) {
    return link.call(open -> RELEASE.run(open.async(), key(claim.key()), token(claim)));
  }

  /** Closes the connection, not the client. Claims stay until they end. Idempotent. */
  @Override
  public void close() {
    link.close();
  }

  private byte[] key(DedupKey key) {
    return RedisArguments.key(prefix, key);
  }

  private static byte[] token(Claim claim) {
    return ByteBuffer.allocate(TOKEN_BYTES)
        .putLong(claim.token().getMostSignificantBits())
        .putLong(claim.token().getLeastSignificantBits())
        .array();
  }

  private static byte[] completion(byte @Nullable [] result) {
    if (result == null) {
      return new byte[] {(byte) DONE};
    }
    return ByteBuffer.allocate(1 + result.length).put((byte) DONE_WITH_RESULT).put(result).array();
  }

  private static ClaimOutcome outcome(List<Object> answer) {
    long kind = (Long) answer.get(0);
    if (kind == 0) {
      return new ClaimOutcome.Granted();
    }
    if (kind == 1) {
      return new ClaimOutcome.InProgress(Duration.ofMillis((Long) answer.get(1)));
    }
    byte[] value = (byte[]) answer.get(1);
    int header = 1 + TOKEN_BYTES;
    if (value.length == header && value[0] == DONE) {
      return new ClaimOutcome.Finished(Optional.empty());
    }
    if (value.length >= header && value[0] == DONE_WITH_RESULT) {
      return new ClaimOutcome.Finished(
          Optional.of(Arrays.copyOfRange(value, header, value.length)));
    }
    // Anything else proves nothing, least of all that work is finished (U3).
    throw new QueueException(
        ErrorCode.MISCONFIGURED,
        "A key of the dedup store holds a value of somebody else's; choose another prefix.");
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

    /** What the keys in Redis begin with, {@code forebay:dedup:} unless set. */
    public Builder prefix(String text) {
      prefix = Objects.requireNonNull(text);
      return this;
    }

    /** Makes the store. It connects with its first call. */
    public RedisDedupStore build() {
      return new RedisDedupStore(this);
    }
  }
}
