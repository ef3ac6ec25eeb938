package dev.forebay.queue.worker;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.FailureKind;
import dev.forebay.queue.policy.RetryPolicy;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the messages of a type that keeps failing to the slow lane, another queue, instead of to
 * their handler (W4). A message is stored there before it is acked here; when it cannot be stored
 * it is given back, to come again after a while, so that nothing is lost when the slow lane is
 * down.
 *
 * <p>Thread-safe.
 */
final class BreakerStep implements Step {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  /** What the slow lane would not take comes back after this, rather than at once and for ever. */
  private static final Duration AFTER_REFUSAL = Duration.ofSeconds(5);

  private final TypeBreaker breaker;
  private final WorkQueue slowLane;
  private final RetryPolicy retry;
  private final Parking parking;
  private final AtomicBoolean refusalLogged = new AtomicBoolean();

  BreakerStep(TypeBreaker breaker, WorkQueue slowLane, StepContext context) {
    this.breaker = breaker;
    this.slowLane = slowLane;
    this.retry = context.retry();
    this.parking = context.parking();
    Signals signals = context.signals();
    breaker.onChange(
        (type, state) -> {
          LOG.warn("The breaker for messages of type \"{}\" is {}", type, state);
          if (signals.heard()) {
            signals.tell(listener -> listener.breakerChanged(type, state));
          }
        });
  }

  @Override
  public Decision before(Run run) {
    String type = type(run);
    if (breaker.tryStart(type)) {
      return Decision.GO;
    }
    divert(run, type);
    return Decision.PARK;
  }

  @Override
  public void after(Run run, Result result) {
    String type = type(run);
    Duration ran = Duration.ofNanos(run.spentNanos());
    if (Result.isDone(result)) {
      breaker.succeeded(type, ran);
    } else if (failed(result)) {
      breaker.failed(type, ran);
    } else {
      breaker.cancelled(type);
    }
  }

  /** Whether it speaks against the type rather than against the message or ourselves. */
  private boolean failed(Result result) {
    if (result instanceof Result.Failed failed) {
      FailureKind kind = retry.kindOf(failed.failure());
      return kind instanceof FailureKind.Transient || kind instanceof FailureKind.Terminal;
    }
    return result instanceof Result.Decided decided
        && (decided.outcome() instanceof Outcome.Retry
            || decided.outcome() instanceof Outcome.RetryAfter);
  }

  private void divert(Run run, String type) {
    Delivery delivery = run.delivery();
    Message message =
        delivery
            .message()
            .headers(
                Map.of(
                    TypeBreaker.CAUSE_HEADER,
                    "breaker open for type " + new DeadLetterCause(type, "").type(),
                    TypeBreaker.ORIGIN_HEADER,
                    run.lane().queue.name()));
    CompletableFuture<EnqueueOutcome> stored;
    try {
      stored = slowLane.enqueue(message);
    } catch (RuntimeException e) {
      stored = CompletableFuture.failedFuture(e);
    }
    CompletableFuture<EnqueueOutcome> unused =
        stored.whenComplete((outcome, failure) -> settle(run, outcome, failure));
  }

  private void settle(Run run, @Nullable EnqueueOutcome outcome, @Nullable Throwable failure) {
    boolean there =
        outcome instanceof EnqueueOutcome.Enqueued || outcome instanceof EnqueueOutcome.Duplicate;
    if (!there && refusalLogged.compareAndSet(false, true)) {
      LOG.warn(
          "The slow lane {} did not take message {}: {}; it is given back. Further ones are not"
              + " logged",
          slowLane.name(),
          run.delivery().id(),
          failure == null ? outcome : failure);
    }
    if (there) {
      parking.settle(run, Outcome.ack(), SkipReason.DIVERTED);
    } else {
      parking.settle(run, Outcome.retryAfter(AFTER_REFUSAL), SkipReason.SLOW_LANE_DOWN);
    }
  }

  private static String type(Run run) {
    return run.delivery().message().type().orElse("");
  }
}
