package dev.forebay.queue.redis;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisCommandTimeoutException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;

/** Turns the client's exceptions into the library's. Stateless. */
final class RedisErrors {

  private RedisErrors() {}

  static QueueException of(Throwable failure) {
    Throwable cause = failure;
    // A refused password, for one, comes wrapped as a failure to connect.
    while (!(cause instanceof RedisCommandExecutionException)
        && !(cause instanceof QueueException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof QueueException already) {
      return already;
    }
    if (cause instanceof RedisCommandExecutionException refused) {
      return refused(refused);
    }
    Throwable shown = failure instanceof CompletionException ? cause : failure;
    if (shown instanceof RedisCommandTimeoutException || shown instanceof CancellationException) {
      return new QueueException(
          ErrorCode.AMBIGUOUS, "Redis did not answer; the call may have been applied.", failure);
    }
    return new QueueException(
        ErrorCode.UNAVAILABLE, "Redis cannot be reached: " + cause.getMessage(), failure);
  }

  private static QueueException refused(RedisCommandExecutionException refused) {
    String message = String.valueOf(refused.getMessage());
    int end = message.indexOf(' ');
    String kind = end < 0 ? message : message.substring(0, end);
    return switch (kind) {
      case "NOAUTH", "WRONGPASS", "NOPERM" ->
          new QueueException(
              ErrorCode.ACCESS_DENIED,
              "Redis refuses ("
                  + kind
                  + "): the user needs its password in the RedisURI, EVAL and EVALSHA, and GET, GETRANGE,"
                  + " SET, SETRANGE, DEL, PEXPIRE and PTTL on the keys of the store's prefix.",
              refused);
      case "OOM" ->
          new QueueException(
              ErrorCode.OVERLOADED,
              "Redis is out of memory; give it more, or set maxmemory-policy to volatile-ttl.",
              refused);
      case "LOADING", "BUSY", "MASTERDOWN", "READONLY", "CLUSTERDOWN", "TRYAGAIN" ->
          new QueueException(ErrorCode.UNAVAILABLE, "Redis is not ready (" + kind + ").", refused);
      case "WRONGTYPE" ->
          new QueueException(
              ErrorCode.MISCONFIGURED,
              "A key of the store holds something else; choose a prefix nobody else uses.",
              refused);
      default -> new QueueException(ErrorCode.INTERNAL, "Redis refuses: " + message, refused);
    };
  }
}
