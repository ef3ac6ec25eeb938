package dev.forebay.queue.redis;

import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.async.RedisScriptingAsyncCommands;
import io.lettuce.core.codec.Base16;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/**
 * A script that Redis runs as one step: sent by its hash, and in full when Redis does not know the
 * hash, which is so the first time, after a restart and after SCRIPT FLUSH. Immutable, thread-safe.
 */
final class RedisScript {

  private final byte[] text;
  private final ScriptOutputType output;
  private final String hash;

  private RedisScript(byte[] text, ScriptOutputType output) {
    this.text = text;
    this.output = output;
    this.hash = Base16.digest(text);
  }

  /** The script in this resource beside this class. */
  static RedisScript of(String resource, ScriptOutputType output) {
    try (InputStream in = RedisScript.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("The jar lacks " + resource);
      }
      return new RedisScript(in.readAllBytes(), output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs it on one key. */
  <T> CompletableFuture<T> run(
      RedisScriptingAsyncCommands<byte[], byte[]> redis, byte[] key, byte[]... arguments) {
    byte[][] keys = {key};
    CompletionStage<T> byHash = redis.evalsha(hash, output, keys, arguments);
    return byHash
        .exceptionallyCompose(
            failure -> {
              Throwable cause =
                  failure instanceof CompletionException ? failure.getCause() : failure;
              return cause instanceof RedisNoScriptException
                  ? redis.<T>eval(text, output, keys, arguments)
                  : CompletableFuture.failedStage(failure);
            })
        .toCompletableFuture();
  }
}
