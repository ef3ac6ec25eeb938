package dev.forebay.queue.worker;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Capabilities;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.RetryDecision;
import dev.forebay.queue.policy.RetryPolicy;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns what became of an attempt into a settlement, and counts what became of the settlement.
 * Never blocks and never throws: a settlement nobody confirmed is counted, and the message comes
 * back by its lease.
 *
 * <p>Thread-safe.
 */
final class Settler {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final WorkQueue queue;
  private final Capabilities can;
  private final RetryPolicy retry;
  private final Slots slots;
  private final Counters counters;
  private final Signals signals;
  private final Consumer<Duration> onThrottled;
  private final AtomicBoolean delayCutLogged = new AtomicBoolean();
  private final AtomicBoolean refusalLogged = new AtomicBoolean();

  /**
   * What holds for all lanes of a worker.
   *
   * @param onThrottled told for how long a throttled handler's downstream wants to be left in peace
   * @param progress what handlers saved, to be forgotten with the ack; null for none
   * @param activity told what is in hand; null when nobody wants to know
   */
  record Rules(
      RetryPolicy retry,
      Counters counters,
      Signals signals,
      Consumer<Duration> onThrottled,
      Stopping stopping,
      @Nullable ProgressKeeper progress,
      @Nullable Activity activity) {}

  Settler(WorkQueue queue, Rules rules, Slots slots) {
    this.queue = queue;
    this.can = queue.capabilities();
    this.retry = rules.retry();
    this.counters = rules.counters();
    this.signals = rules.signals();
    this.onThrottled = rules.onThrottled();
    this.slots = slots;
  }

  /** Whether a message has had all its attempts before this one, and there is a place for it. */
  boolean isExhausted(Delivery delivery) {
    // Without that place it is better tried again, slowly, than carried round untried for ever.
    return can.deadLetters() && retry.exhausted(delivery.attempts());
  }

  /** Dead-letters a delivery that {@link #isExhausted}, without running it (R5). */
  void exhausted(Delivery delivery) {
    Attempts earlier = delivery.attempts();
    boolean failed = earlier.failed() >= retry.maxAttempts();
    skipped(
        delivery,
        Outcome.deadLetter(
            failed
                ? new DeadLetterCause(
                    DeadLetterCause.MAX_ATTEMPTS,
                    earlier.failed() + " attempts failed, of at most " + retry.maxAttempts())
                : new DeadLetterCause(
                    DeadLetterCause.LEASES_LOST,
                    earlier.leaseLost()
                        + " leases were lost, of at most "
                        + retry.maxLostLeases()
                        + "; earlier attempts: "
                        + earlier)),
        SkipReason.EXHAUSTED);
  }

  /**
   * Settles as the handler decided, after it ran {@code spentNanos}.
   *
   * @param progressIn the lane in which its progress is to be forgotten once it is acked; null when
   *     it has none
   */
  void decided(Delivery delivery, Outcome outcome, long spentNanos, @Nullable Lane progressIn) {
    if (outcome instanceof Outcome.Ack) {
      counters.handled.increment();
      ack(delivery, spentNanos, progressIn);
    } else if (outcome instanceof Outcome.GiveBack) {
      giveBack(delivery);
    } else {
      counters.failed.increment();
      if (outcome instanceof Outcome.DeadLetter dead) {
        deadLetter(delivery, dead.cause(), spentNanos);
      } else {
        follow(
            delivery,
            retry.decide(
                delivery.attempts(),
                new DeadLetterCause(
                    DeadLetterCause.MAX_ATTEMPTS, "The handler asked for another attempt."),
                delivery.id()),
            outcome instanceof Outcome.RetryAfter after ? after.delay() : null,
            spentNanos);
      }
    }
  }

  /** Settles without the handler having run: neither handled nor failed. */
  void skipped(Delivery delivery, Outcome outcome, SkipReason why) {
    if (LOG.isDebugEnabled()) {
      LOG.debug("Message {} is settled without running: {}", delivery.id(), why);
    }
    if (signals.heard()) {
      signals.tell(listener -> listener.skipped(delivery, why));
    }
    if (outcome instanceof Outcome.Ack) {
      counters.skipped(why);
      ack(delivery, 0, null);
    } else if (outcome instanceof Outcome.DeadLetter dead) {
      counters.skipped(why);
      deadLetter(delivery, dead.cause(), 0);
    } else {
      giveBack(
          delivery, outcome instanceof Outcome.RetryAfter given ? given.delay() : Duration.ZERO);
    }
  }

  /** Notes a delivery that a step settles by itself. */
  void taken(Delivery delivery, SkipReason why) {
    if (signals.heard()) {
      signals.tell(listener -> listener.skipped(delivery, why));
    }
  }

  /** Settles after the handler threw, having run {@code spentNanos}. */
  void failed(Delivery delivery, Throwable failure, long spentNanos) {
    if (LOG.isDebugEnabled()) {
      LOG.debug("Attempt {} of message {} failed", delivery.attempt(), delivery.id(), failure);
    }
    RetryDecision decision;
    try {
      decision = retry.decide(delivery.attempts(), failure, delivery.id());
    } catch (RuntimeException e) {
      LOG.error(
          "The classification of failures threw on a {}; the message is retried",
          failure.getClass().getName(),
          e);
      decision = retry.decide(delivery.attempts(), DeadLetterCause.of(failure), delivery.id());
    }
    if (decision instanceof RetryDecision.Throttled throttled) {
      throttled(delivery, throttled.after(), spentNanos);
      return;
    }
    counters.failed.increment();
    follow(delivery, decision, null, spentNanos);
  }

  /** Gives back without counting an attempt. */
  void giveBack(Delivery delivery) {
    giveBack(delivery, Duration.ZERO);
  }

  /** Gives back without counting an attempt, to be delivered again after a delay. */
  void giveBack(Delivery delivery, Duration after) {
    counters.returned.increment();
    if (signals.heard()) {
      signals.tell(listener -> listener.returned(delivery));
    }
    release(delivery, after, ReleaseCause.RETURNED, 0);
  }

  private void throttled(Delivery delivery, Duration after, long spentNanos) {
    counters.throttled.increment();
    if (signals.heard()) {
      signals.tell(listener -> listener.throttled(delivery, after));
    }
    onThrottled.accept(after);
    release(delivery, after, ReleaseCause.RETURNED, spentNanos);
  }

  private void ack(Delivery delivery, long spentNanos, @Nullable Lane progressIn) {
    try {
      watch(queue.ack(delivery), delivery, spentNanos, progressIn, null);
    } catch (RuntimeException e) {
      refused(e);
    }
  }

  private void follow(
      Delivery delivery, RetryDecision decision, @Nullable Duration instead, long spentNanos) {
    if (decision instanceof RetryDecision.DeadLetter dead) {
      deadLetter(delivery, dead.cause(), spentNanos);
    } else {
      Duration after = instead == null ? ((RetryDecision.Retry) decision).after() : instead;
      counters.retried.increment();
      if (signals.heard()) {
        signals.tell(listener -> listener.retried(delivery, after));
      }
      release(delivery, after, ReleaseCause.FAILED, spentNanos);
    }
  }

  private void deadLetter(Delivery delivery, DeadLetterCause cause, long spentNanos) {
    if (can.deadLetters()) {
      try {
        watch(queue.deadLetter(delivery, cause), delivery, spentNanos, null, cause);
        return;
      } catch (QueueException e) {
        if (e.code() != ErrorCode.UNSUPPORTED) {
          refused(e);
          return;
        }
      } catch (RuntimeException e) {
        refused(e);
        return;
      }
    }
    LOG.error(
        "Message {} of queue {} should go to the dead letters on attempt {} ({}), but the queue has"
            + " no dead-letter destination; it is tried again later. Set a destination in the"
            + " queue's builder.",
        delivery.id(),
        queue.name(),
        delivery.attempt(),
        cause.type());
    counters.retried.increment();
    release(delivery, retry.backoff().cap(), ReleaseCause.FAILED, spentNanos);
  }

  private void release(Delivery delivery, Duration delay, ReleaseCause cause, long spentNanos) {
    Duration offered = delay;
    if (delay.compareTo(can.maxReleaseDelay()) > 0) {
      offered = can.maxReleaseDelay();
      if (delayCutLogged.compareAndSet(false, true)) {
        LOG.warn(
            "Queue {} releases with a delay of {} at most; a retry delay of {} and longer ones"
                + " are cut to that",
            queue.name(),
            offered,
            delay);
      }
    }
    try {
      watch(queue.release(delivery, offered, cause), delivery, spentNanos, null, null);
    } catch (RuntimeException e) {
      refused(e);
    }
  }

  private void watch(
      CompletableFuture<Settlement> settlement,
      Delivery delivery,
      long spentNanos,
      @Nullable Lane progressIn,
      @Nullable DeadLetterCause dead) {
    if (settlement.isDone() && !settlement.isCompletedExceptionally()) {
      count(settlement.join(), delivery, spentNanos, progressIn, dead);
      return;
    }
    slots.settlementBegins();
    CompletableFuture<Settlement> unused =
        settlement.whenComplete(
            (result, failure) -> {
              try {
                if (failure == null) {
                  count(result, delivery, spentNanos, progressIn, dead);
                } else {
                  refused(failure);
                }
              } finally {
                slots.settlementEnds();
              }
            });
  }

  private void count(
      Settlement result,
      Delivery delivery,
      long spentNanos,
      @Nullable Lane progressIn,
      @Nullable DeadLetterCause dead) {
    if (result == Settlement.OK) {
      if (dead != null) {
        deadLettered(delivery, dead);
      }
      if (progressIn != null && progressIn.progress != null) {
        progressIn.progress.clear(delivery, slots);
      }
      return;
    }
    if (signals.heard()) {
      signals.tell(listener -> listener.unsettled(delivery, result));
    }
    if (result == Settlement.UNKNOWN) {
      counters.unknown.increment();
      return;
    }
    counters.stale.increment();
    // Not lost means that the handler settled it by itself.
    if (delivery.isLost()) {
      counters.leaseLost.increment();
      if (signals.heard()) {
        signals.tell(listener -> listener.leaseLost(delivery));
      }
      if (spentNanos > 0) {
        wasted(delivery, spentNanos);
      }
    }
  }

  /** A handler ran so long in vain (W2). */
  void wasted(Delivery delivery, long spentNanos) {
    counters.wastedNanos.add(spentNanos);
    if (signals.heard()) {
      Duration ran = Duration.ofNanos(spentNanos);
      signals.tell(listener -> listener.wasted(delivery, ran));
    }
  }

  /** Said only now: a stale settlement, or one that failed, has moved nothing. */
  private void deadLettered(Delivery delivery, DeadLetterCause cause) {
    counters.deadLettered.increment();
    if (signals.heard()) {
      signals.tell(listener -> listener.deadLettered(delivery, cause));
    }
    LOG.warn(
        "Message {} of queue {} went to the dead letters on attempt {}: {}",
        delivery.id(),
        queue.name(),
        delivery.attempt(),
        cause.type());
  }

  private void refused(Throwable failure) {
    counters.unknown.increment();
    if (refusalLogged.compareAndSet(false, true)) {
      LOG.warn(
          "A settlement on queue {} ended with an exception; its message comes back when its lease"
              + " ends. Further ones are only counted",
          queue.name(),
          failure);
    }
  }
}
