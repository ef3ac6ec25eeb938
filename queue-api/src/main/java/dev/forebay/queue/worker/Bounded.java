package dev.forebay.queue.worker;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Calls to a store that are to end in time, also where the store does not see to it. Stateless. */
final class Bounded {

  private Bounded() {}

  /**
   * The answer of a call, or a failure once this time has passed.
   *
   * @param store what is asked, for the text of the failure
   */
  static <T> CompletableFuture<T> within(
      Duration atMost, TimeSource time, String store, CompletableFuture<T> call) {
    if (call.isDone()) {
      return call;
    }
    CompletableFuture<T> bounded = new CompletableFuture<>();
    TimeSource.Timer timer =
        time.schedule(
            atMost,
            () ->
                bounded.completeExceptionally(
                    new QueueException(
                        ErrorCode.AMBIGUOUS,
                        "The " + store + " did not answer within " + atMost + ".")));
    CompletableFuture<T> unused =
        call.whenComplete(
            (result, failure) -> {
              timer.cancel();
              if (failure == null) {
                bounded.complete(result);
              } else {
                bounded.completeExceptionally(failure);
              }
            });
    return bounded;
  }
}
