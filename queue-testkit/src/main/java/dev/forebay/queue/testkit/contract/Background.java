package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.time.SystemTimeSource;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** A call that a test makes on a thread of its own. Thread-safe. */
final class Background<T> {

  private static final Duration HANG = Duration.ofSeconds(60);

  private final Timing timing;
  private final Thread thread;
  private final CompletableFuture<T> result = new CompletableFuture<>();

  private Background(Timing timing, String what, Callable<T> call) {
    this.timing = timing;
    thread =
        new Thread(
            () -> {
              try {
                result.complete(call.call());
              } catch (Throwable e) {
                result.completeExceptionally(e);
              }
            },
            "contract-" + what);
    thread.setDaemon(true);
  }

  static <T> Background<T> start(Timing timing, String what, Callable<T> call) {
    Background<T> background = new Background<>(timing, what, call);
    background.thread.start();
    return background;
  }

  /** Returns once the call waits for something, or is done. */
  Background<T> untilItWaits() {
    long began = SystemTimeSource.get().nanoTime();
    while (!result.isDone()
        && thread.getState() != Thread.State.WAITING
        && thread.getState() != Thread.State.TIMED_WAITING) {
      if (SystemTimeSource.get().nanoTime() - began > HANG.toNanos()) {
        throw new AssertionError(thread.getName() + " neither waits nor ends");
      }
      Thread.onSpinWait();
    }
    return this;
  }

  void interrupt() {
    thread.interrupt();
  }

  boolean isDone() {
    return result.isDone();
  }

  /** The call's result, when it comes within this much time of the test's clock. */
  T result(Duration within) {
    untilItWaits();
    if (!timing.await(within, result::isDone)) {
      throw new AssertionError(thread.getName() + " did not end within " + within);
    }
    return result();
  }

  private T result() {
    try {
      return result.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException unchecked) {
        throw unchecked;
      }
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw new AssertionError(thread.getName() + " failed", e.getCause());
    }
  }
}
