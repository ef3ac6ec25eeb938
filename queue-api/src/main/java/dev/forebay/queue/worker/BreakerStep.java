package dev.forebay.queue.worker;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.DeadLetterCause;
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
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the messages of a type that keeps failing to the slow lane, another queue, instead of to
 * their handler (W4). A message is stored there before it is acked here; when it cannot be stored
 * it comes again after a while, without burning an attempt, so that nothing is lost when the slow
 * lane is down. One that the slow lane can never take, for its size for instance, runs here after
 * all. A message is diverted once at most, so that none goes round between lanes.
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
  private final AtomicBoolean misfitLogged = new AtomicBoolean();

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
    if (run.isUndivertable() || cameFromASlowLane(run)) {
      return Decision.GO;
    }
    String type = type(run);
    if (breaker.tryStart(type)) {
      run.letStart();
      return Decision.GO;
    }
    Map<String, String> headers = headers(run, type);
    if (headers.isEmpty()) {
      misfit(run, "its headers leave no room for one more");
      return Decision.GO;
    }
    divert(run, headers);
    return Decision.PARK;
  }

  @Override
  public void after(Run run, Result result) {
    long ago = run.nanosSinceLetStart();
    if (ago < 0) {
      return;
    }
    run.letStartEnds();
    String type = type(run);
    Duration ran = Duration.ofNanos(run.spentNanos());
    if (Result.isDone(result)) {
      breaker.succeeded(type, ran);
    } else if (failed(result)) {
      breaker.failed(type, ran);
    } else {
      breaker.cancelled(type, Duration.ofNanos(ago));
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

  /** What is added to a diverted message: the cause only where there is room. */
  private Map<String, String> headers(Run run, String type) {
    int room = slowLane.capabilities().maxHeaders() - run.delivery().message().headers().size();
    if (room < 1) {
      // Without its origin it could go round for ever.
      return Map.of();
    }
    String origin = run.lane().queue.name();
    return room < 2
        ? Map.of(TypeBreaker.ORIGIN_HEADER, origin)
        : Map.of(
            TypeBreaker.CAUSE_HEADER,
            "breaker open for type " + readable(type),
            TypeBreaker.ORIGIN_HEADER,
            origin);
  }

  private void divert(Run run, Map<String, String> headers) {
    Message message = run.delivery().message().headers(headers);
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
    if (isMisfit(outcome, failure)) {
      misfit(run, failure == null ? String.valueOf(outcome) : failure);
      parking.resume(run);
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

  /** Whether it is the message that the slow lane does not take, now or later. */
  private static boolean isMisfit(@Nullable EnqueueOutcome outcome, @Nullable Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    @Nullable ErrorCode code =
        outcome instanceof EnqueueOutcome.Failed failed
            ? failed.code()
            : cause instanceof QueueException refused ? refused.code() : null;
    return code == ErrorCode.INVALID_MESSAGE || code == ErrorCode.UNSUPPORTED;
  }

  private void misfit(Run run, Object why) {
    run.markUndivertable();
    if (misfitLogged.compareAndSet(false, true)) {
      LOG.warn(
          "The slow lane {} can never take message {}: {}. Such messages run although their breaker"
              + " is open; further ones are not logged",
          slowLane.name(),
          run.delivery().id(),
          why);
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
