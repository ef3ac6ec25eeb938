package dev.forebay.queue.redis;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.time.TimeSource;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one connection of a store, made when first needed and again after failures, and the bounds of
 * what goes over it: each call ends within the time-out, and no more than so many wait for an
 * answer. While the connection is down calls fail at once, so that a worker does not wait for Redis
 * with every message.
 *
 * <p>Thread-safe.
 */
final class RedisLink {

  private static final Logger LOG = LoggerFactory.getLogger(RedisLink.class);

  /** Between attempts to connect: a Redis that is down must not be asked by every message. */
  private static final Duration RECONNECT = Duration.ofSeconds(1);

  private final String store;
  private final String loss;
  private final RedisClient client;
  private final RedisURI uri;
  private final Duration timeout;
  private final int maxPending;
  private final TimeSource time;
  private final AtomicInteger pending = new AtomicInteger();

  private final Object lock = new Object();
  private @Nullable CompletableFuture<StatefulRedisConnection<byte[], byte[]>> connection;
  private long connectedAtNanos;
  private boolean closed;
  private boolean down;

  /**
   * Not connected yet.
   *
   * @param store whose connection it is, for texts
   * @param loss what is lost while Redis is away, likewise
   */
  RedisLink(
      String store,
      String loss,
      RedisClient client,
      RedisURI uri,
      Duration timeout,
      int maxPending,
      TimeSource time) {
    this.store = store;
    this.loss = loss;
    this.client = client;
    this.uri = uri;
    this.timeout = timeout;
    this.maxPending = maxPending;
    this.time = time;
  }

  /**
   * Makes a call.
   *
   * @return its result, or a {@link QueueException}, within the time-out
   */
  <T> CompletableFuture<T> call(
      Function<StatefulRedisConnection<byte[], byte[]>, CompletableFuture<T>> what) {
    if (pending.incrementAndGet() > maxPending) {
      pending.decrementAndGet();
      return CompletableFuture.failedFuture(
          new QueueException(
              ErrorCode.OVERLOADED, maxPending + " calls wait for an answer of Redis already."));
    }
    CompletableFuture<T> answer = connection().thenCompose(open -> send(open, what));
    CompletableFuture<T> bounded = new CompletableFuture<>();
    TimeSource.Timer timer =
        time.schedule(
            timeout,
            () ->
                bounded.completeExceptionally(
                    new QueueException(
                        ErrorCode.AMBIGUOUS,
                        "Redis did not answer within "
                            + timeout
                            + "; the call may have been applied.")));
    CompletableFuture<T> unused =
        answer.whenComplete(
            (result, failure) -> {
              pending.decrementAndGet();
              timer.cancel();
              if (failure == null) {
                bounded.complete(result);
              } else {
                bounded.completeExceptionally(RedisErrors.of(failure));
              }
            });
    CompletableFuture<T> watched = bounded.whenComplete((result, failure) -> note(failure));
    return watched;
  }

  private static <T> CompletableFuture<T> send(
      StatefulRedisConnection<byte[], byte[]> open,
      Function<StatefulRedisConnection<byte[], byte[]>, CompletableFuture<T>> what) {
    if (!open.isOpen()) {
      throw new QueueException(
          ErrorCode.UNAVAILABLE, "The connection to Redis is down; it is made again by itself.");
    }
    return what.apply(open);
  }

  private CompletableFuture<StatefulRedisConnection<byte[], byte[]>> connection() {
    synchronized (lock) {
      if (closed) {
        return CompletableFuture.failedFuture(
            new QueueException(ErrorCode.CLOSED, "The " + store + " is closed."));
      }
      CompletableFuture<StatefulRedisConnection<byte[], byte[]>> current = connection;
      if (current == null || (current.isCompletedExceptionally() && mayTryAgain())) {
        connectedAtNanos = time.nanoTime();
        current = connect();
        connection = current;
      }
      return current;
    }
  }

  private boolean mayTryAgain() {
    return time.nanoTime() - connectedAtNanos >= RECONNECT.toNanos();
  }

  private CompletableFuture<StatefulRedisConnection<byte[], byte[]>> connect() {
    try {
      return client.connectAsync(ByteArrayCodec.INSTANCE, uri).toCompletableFuture();
    } catch (RuntimeException e) {
      // A client that is shut down, for one.
      return CompletableFuture.failedFuture(e);
    }
  }

  /** Says once that Redis fails, and once that it is back. */
  private void note(@Nullable Throwable failure) {
    synchronized (lock) {
      if (down == (failure != null) || closed) {
        return;
      }
      down = failure != null;
    }
    if (failure != null) {
      LOG.warn(
          "The {} cannot use Redis at {}:{}; {} meanwhile: {}",
          store,
          uri.getHost(),
          uri.getPort(),
          loss,
          failure.getMessage());
    } else {
      LOG.info("The {} uses Redis at {}:{}", store, uri.getHost(), uri.getPort());
    }
  }

  /** Closes the connection; calls under way fail. */
  void close() {
    CompletableFuture<StatefulRedisConnection<byte[], byte[]>> last;
    synchronized (lock) {
      closed = true;
      last = connection;
      connection = null;
    }
    if (last != null) {
      CompletableFuture<Void> unused = last.thenAccept(open -> open.closeAsync());
    }
  }
}
