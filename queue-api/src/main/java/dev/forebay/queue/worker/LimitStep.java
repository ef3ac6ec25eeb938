package dev.forebay.queue.worker;

import dev.forebay.queue.policy.FailureKind;
import dev.forebay.queue.policy.RetryPolicy;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/** Tells a {@link ConcurrencyLimit} how handlers fare (W6). Thread-safe. */
final class LimitStep implements Step {

  private final ConcurrencyLimit limit;
  private final RetryPolicy retry;
  private final Signals signals;
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger told;

  LimitStep(ConcurrencyLimit limit, StepContext context) {
    this.limit = limit;
    this.retry = context.retry();
    this.signals = context.signals();
    this.told = new AtomicInteger(limit.estimate());
  }

  @Override
  public Decision before(Run run) {
    run.startedBeside(running.incrementAndGet());
    return Decision.GO;
  }

  @Override
  public void after(Run run, Result result) {
    running.decrementAndGet();
    boolean dropped =
        result instanceof Result.Failed failed
            && retry.kindOf(failed.failure()) instanceof FailureKind.Throttled;
    // One that fails at once, or gives back, would look like a very fast one.
    if (dropped || Result.isDone(result)) {
      limit.ended(Duration.ofNanos(run.spentNanos()), run.besides(), dropped);
      tellChange();
    }
  }

  private void tellChange() {
    if (signals.heard()) {
      int now = limit.estimate();
      if (told.getAndSet(now) != now) {
        signals.tell(listener -> listener.limitChanged(now));
      }
    }
  }
}
