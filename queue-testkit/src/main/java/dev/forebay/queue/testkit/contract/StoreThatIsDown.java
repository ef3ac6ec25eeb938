package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.dedup.Claim;
import dev.forebay.queue.dedup.ClaimOutcome;
import dev.forebay.queue.dedup.DedupStore;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A dedup store that fails every call. Stateless. */
final class StoreThatIsDown implements DedupStore {

  @Override
  public CompletableFuture<ClaimOutcome> claim(Claim claim, Duration term) {
    return down();
  }

  @Override
  public CompletableFuture<Boolean> extend(Claim claim, Duration term) {
    return down();
  }

  @Override
  public CompletableFuture<Boolean> complete(
      Claim claim, byte @Nullable [] result, Duration retention) {
    return down();
  }

  @Override
  public CompletableFuture<Boolean> release(Claim claim) {
    return down();
  }

  private static <T> CompletableFuture<T> down() {
    return CompletableFuture.failedFuture(
        new QueueException(ErrorCode.UNAVAILABLE, "made up: the store is down"));
  }
}
