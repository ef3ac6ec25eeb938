package dev.forebay.queue.worker;

import dev.forebay.queue.policy.FailureKind;
import dev.forebay.queue.policy.RetryPolicy;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/** Tells a {@link ConcurrencyLimit} how handlers fare (W6). Thread-safe. */
final class LimitStep implements Step {

  private final ConcurrencyLimit limit;
  private final RetryPolicy retry;
  private final AtomicInteger running = new AtomicInteger();

  LimitStep(ConcurrencyLimit limit, RetryPolicy retry) {
    this.limit = limit;
    this.retry = retry;
  }

  @Override
  public Decision before(Run run) {
    run.startedBeside(running.incrementAndGet());
    return Decision.GO;
  }

  @Override
  public void after(Run run, Result result) {
    running.decrementAndGet();
    // A handler that was cut off by us says nothing about how fast they are.
    if (result instanceof Result.Decided || result instanceof Result.Failed) {
      boolean dropped =
          result instanceof Result.Failed failed
              && retry.kindOf(failed.failure()) instanceof FailureKind.Throttled;
      limit.ended(Duration.ofNanos(run.spentNanos()), run.besides(), dropped);
    }
  }
}
