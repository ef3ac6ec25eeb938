package dev.forebay.queue.worker;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.FailureKind;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the messages of a type that keeps failing to the slow lane, another queue, instead of to
 * their handler (W4). A message is stored there before it is acked here; when it cannot be stored
 * it comes again after a while, without burning an attempt, so that nothing is lost when the slow
 * lane is down. A message is diverted once at most, so that none goes round between lanes.
 *
 * <p>Thread-safe.
 */
final class BreakerStep implements Step {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  /** What the slow lane would not take comes back after this, rather than at once and for ever. */
  private static final Duration AFTER_REFUSAL = Duration.ofSeconds(5);

  /** A slow lane that does not answer for so long must not keep the slots from other types. */
  private static final Duration LONGEST_STORE = Duration.ofSeconds(30);

  private final TypeBreaker breaker;
  private final WorkQueue slowLane;
  private final RetryPolicy retry;
  private final Parking parking;
  private final TimeSource time;
  private final Signals signals;
  private final BiConsumer<String, BreakerState> listener = this::changed;
  private final AtomicBoolean down = new AtomicBoolean();

  BreakerStep(TypeBreaker breaker, WorkQueue slowLane, StepContext context) {
    this.breaker = breaker;
    this.slowLane = slowLane;
    this.retry = context.retry();
    this.parking = context.parking();
    this.time = context.time();
    this.signals = context.signals();
    breaker.onChange(listener);
  }

  private void changed(String type, BreakerState state) {
    LOG.warn("The breaker for messages of type \"{}\" is {}", readable(type), state);
    if (signals.heard()) {
      signals.tell(heard -> heard.breakerChanged(type, state));
    }
  }

  @Override
  public void close() {
    breaker.forget(listener);
  }

  @Override
  public Decision before(Run run) {
    if (cameFromASlowLane(run)) {
      return Decision.GO;
    }
    String type = type(run);
    if (breaker.tryStart(type)) {
      return Decision.GO;
    }
    divert(run, type);
    return Decision.PARK;
  }

  @Override
  public void after(Run run, Result result) {
    if (cameFromASlowLane(run)) {
      return;
    }
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
                    "breaker open for type " + readable(type),
                    TypeBreaker.ORIGIN_HEADER,
                    run.lane().queue.name()));
    CompletableFuture<EnqueueOutcome> stored;
    try {
      stored = bounded(slowLane.enqueue(message));
    } catch (RuntimeException e) {
      stored = CompletableFuture.failedFuture(e);
    }
    CompletableFuture<EnqueueOutcome> unused =
        stored.whenComplete((outcome, failure) -> settle(run, outcome, failure));
  }

  private CompletableFuture<EnqueueOutcome> bounded(CompletableFuture<EnqueueOutcome> stored) {
    if (stored.isDone()) {
      return stored;
    }
    CompletableFuture<EnqueueOutcome> bounded = new CompletableFuture<>();
    TimeSource.Timer timer =
        time.schedule(
            LONGEST_STORE,
            () ->
                bounded.completeExceptionally(
                    new QueueException(
                        ErrorCode.AMBIGUOUS, "It did not answer within " + LONGEST_STORE + ".")));
    CompletableFuture<EnqueueOutcome> unused =
        stored.whenComplete(
            (outcome, failure) -> {
              timer.cancel();
              if (failure == null) {
                bounded.complete(outcome);
              } else {
                bounded.completeExceptionally(failure);
              }
            });
    return bounded;
  }

  private void settle(Run run, @Nullable EnqueueOutcome outcome, @Nullable Throwable failure) {
    if (outcome instanceof EnqueueOutcome.Enqueued || outcome instanceof EnqueueOutcome.Duplicate) {
      if (down.compareAndSet(true, false)) {
        LOG.info("The slow lane {} takes messages again", slowLane.name());
      }
      parking.settle(run, Outcome.ack(), SkipReason.DIVERTED);
      return;
    }
    if (down.compareAndSet(false, true)) {
      LOG.warn(
          "The slow lane {} did not take message {}: {}; such messages come again every {} until it"
              + " does",
          slowLane.name(),
          run.delivery().id(),
          failure == null ? outcome : failure,
          AFTER_REFUSAL);
    }
    Capabilities can = run.lane().can;
    if (can.returnsWithoutAttempt() && !can.maxReleaseDelay().isZero()) {
      parking.settle(run, Outcome.retryAfter(AFTER_REFUSAL), SkipReason.SLOW_LANE_DOWN);
    } else {
      // A return would burn an attempt, or bring it back at once.
      TimeSource.Timer unused = time.schedule(AFTER_REFUSAL, () -> parking.resume(run));
    }
  }

  private static boolean cameFromASlowLane(Run run) {
    return run.delivery().message().headers().containsKey(TypeBreaker.ORIGIN_HEADER);
  }

  private static String type(Run run) {
    return run.delivery().message().type().orElse("");
  }

  /** Types come from messages: without control characters, and cut. */
  private static String readable(String type) {
    return new DeadLetterCause(type, "").type();
  }
}
