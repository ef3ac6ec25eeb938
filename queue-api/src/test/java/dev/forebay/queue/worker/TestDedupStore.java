package dev.forebay.queue.worker;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.dedup.Claim;
import dev.forebay.queue.dedup.ClaimOutcome;
import dev.forebay.queue.dedup.DedupStore;
import dev.forebay.queue.dedup.InMemoryDedupStore;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/** A store in memory that can be taken away, silenced or emptied. */
final class TestDedupStore implements DedupStore {

  enum State {
    UP,
    DOWN,
    THROWING,
    SILENT
  }

  final AtomicInteger completed = new AtomicInteger();
  final AtomicInteger refused = new AtomicInteger();
  final AtomicInteger extended = new AtomicInteger();
  final AtomicInteger failed = new AtomicInteger();
  volatile State state = State.UP;

  /** Only extensions fail, so that claims end while their work goes on. */
  volatile boolean extensionsFail;

  private final TimeSource time;
  private volatile InMemoryDedupStore target;

  TestDedupStore(TimeSource time) {
    this.time = time;
    flush();
  }

  /** Forgets everything. */
  void flush() {
    target = InMemoryDedupStore.builder().time(time).build();
  }

  /** Another process. */
  DedupStore other() {
    return target;
  }

  @Override
  public CompletableFuture<ClaimOutcome> claim(Claim claim, Duration term) {
    return pass(() -> target.claim(claim, term));
  }

  @Override
  public CompletableFuture<Boolean> extend(Claim claim, Duration term) {
    if (extensionsFail) {
      return unavailable();
    }
    return pass(() -> target.extend(claim, term))
        .whenComplete((live, failure) -> extended.incrementAndGet());
  }

  @Override
  public CompletableFuture<Boolean> complete(Claim claim, byte[] result, Duration retention) {
    return pass(() -> target.complete(claim, result, retention))
        .whenComplete(
            (live, failure) -> {
              if (failure == null) {
                (live ? completed : refused).incrementAndGet();
              }
            });
  }

  @Override
  public CompletableFuture<Boolean> release(Claim claim) {
    return pass(() -> target.release(claim));
  }

  private <T> CompletableFuture<T> pass(Supplier<CompletableFuture<T>> call) {
    return switch (state) {
      case UP -> call.get();
      case DOWN -> unavailable();
      case THROWING -> {
        failed.incrementAndGet();
        throw new IllegalStateException("made up");
      }
      case SILENT -> {
        failed.incrementAndGet();
        yield new CompletableFuture<>();
      }
    };
  }

  private <T> CompletableFuture<T> unavailable() {
    failed.incrementAndGet();
    return CompletableFuture.failedFuture(
        new QueueException(ErrorCode.UNAVAILABLE, "made up: the store is down"));
  }
}
