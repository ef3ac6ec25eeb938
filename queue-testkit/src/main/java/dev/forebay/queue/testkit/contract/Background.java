package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.time.SystemTimeSource;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** A call that a test makes on a thread of its own. Thread-safe. */
final class Background<T> {

  private final Timing timing;
  private final Thread thread;
  private final CompletableFuture<T> result = new CompletableFuture<>();

  private Background(ThreadGroup group, Timing timing, String what, Callable<T> call) {
    this.timing = timing;
    thread =
        new Thread(
            group,
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
    ThreadGroup group = Thread.currentThread().getThreadGroup();
    return startIn(group == null ? new ThreadGroup(what) : group, timing, what, call);
  }

  /** As {@link #start}, on a thread of this group, which the threads it starts inherit. */
  static <T> Background<T> startIn(
      ThreadGroup group, Timing timing, String what, Callable<T> call) {
    Background<T> background = new Background<>(group, timing, what, call);
    background.thread.start();
    return background;
  }

  /** Returns once the call waits for something, or is done. */
  Background<T> untilItWaits() {
    long began = SystemTimeSource.get().nanoTime();
    while (!result.isDone() && !waits()) {
      if (SystemTimeSource.get().nanoTime() - began > timing.patience().toNanos()) {
        throw new AssertionError(thread.getName() + " neither waits nor ends");
      }
      Thread.onSpinWait();
    }
    return this;
  }

  private boolean waits() {
    Thread.State state = thread.getState();
    return state == Thread.State.WAITING || state == Thread.State.TIMED_WAITING;
  }

  void interrupt() {
    thread.interrupt();
  }

  boolean isDone() {
    return result.isDone();
  }

  /** The call's result, when it comes within this much time of the test's clock. */
  T result(Duration within) {
    if (!timing.await(within, result::isDone, this::waits)) {
      throw new AssertionError(thread.getName() + " did not end within " + within);
    }
    return get();
  }

  /** The call's result, which needs no time to pass: a manual clock stands still. */
  T result() {
    if (!timing.await(result::isDone)) {
      throw new AssertionError(thread.getName() + " does not end");
    }
    return get();
  }

  private T get() {
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
