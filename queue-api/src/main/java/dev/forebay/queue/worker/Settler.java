package dev.forebay.queue.worker;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.RetryDecision;
import dev.forebay.queue.policy.RetryPolicy;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns what became of an attempt into a settlement, and counts and tells what that has done once
 * the queue has confirmed it: first tells, so that whoever reads a count knows that it was heard.
 * Never blocks and never throws.
 *
 * <p>Thread-safe.
 */
final class Settler {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final WorkQueue queue;
  private final boolean hasDeadLetters;
  private final RetryPolicy retry;
  private final Counters counters;
  private final Signals signals;
  private final Consumer<Duration> onThrottled;
  private final Settlements settlements;

  /** Made once and not for each message. */
  private final Consumer<Delivery> handled = this::handled;

  private final Consumer<Delivery> returned = this::returned;

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
    this.hasDeadLetters = queue.capabilities().deadLetters();
    this.retry = rules.retry();
    this.counters = rules.counters();
    this.signals = rules.signals();
    this.onThrottled = rules.onThrottled();
    this.settlements = new Settlements(queue, slots, counters, signals);
  }

  /** Whether a message has had all its attempts before this one, and there is a place for it. */
  boolean isExhausted(Delivery delivery) {
    // Without that place it is better tried again, slowly, than carried round untried for ever.
    return hasDeadLetters && retry.exhausted(delivery.attempts());
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
      settlements.ack(delivery, spentNanos, progressIn, handled);
    } else if (outcome instanceof Outcome.GiveBack) {
      giveBack(delivery);
    } else {
      counters.failed.increment();
      if (outcome instanceof Outcome.DeadLetter dead) {
        deadLetter(delivery, dead.cause(), spentNanos, null);
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
    if (outcome instanceof Outcome.Ack) {
      settlements.ack(
          delivery,
          0,
          null,
          settled -> {
            wasSkipped(settled, why, true);
            acked(settled);
          });
    } else if (outcome instanceof Outcome.DeadLetter dead) {
      deadLetter(delivery, dead.cause(), 0, why);
    } else {
      Duration after = outcome instanceof Outcome.RetryAfter given ? given.delay() : Duration.ZERO;
      settlements.release(
          delivery,
          after,
          ReleaseCause.RETURNED,
          0,
          settled -> {
            wasSkipped(settled, why, false);
            returned(settled);
          });
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
    settlements.release(delivery, Duration.ZERO, ReleaseCause.RETURNED, 0, returned);
  }

  /** A handler ran so long in vain (W2). */
  void wasted(Delivery delivery, long spentNanos) {
    settlements.wasted(delivery, spentNanos);
  }

  private void throttled(Delivery delivery, Duration after, long spentNanos) {
    onThrottled.accept(after);
    settlements.release(
        delivery,
        after,
        ReleaseCause.RETURNED,
        spentNanos,
        settled -> {
          if (signals.heard()) {
            signals.tell(listener -> listener.throttled(settled, after));
          }
          counters.throttled.increment();
        });
  }

  private void follow(
      Delivery delivery, RetryDecision decision, @Nullable Duration instead, long spentNanos) {
    if (decision instanceof RetryDecision.DeadLetter dead) {
      deadLetter(delivery, dead.cause(), spentNanos, null);
    } else {
      Duration after = instead == null ? ((RetryDecision.Retry) decision).after() : instead;
      settlements.release(
          delivery, after, ReleaseCause.FAILED, spentNanos, settled -> retried(settled, after));
    }
  }

  /**
   * To the dead letters.
   *
   * @param skipped why the handler did not run; null when it did
   */
  private void deadLetter(
      Delivery delivery, DeadLetterCause cause, long spentNanos, @Nullable SkipReason skipped) {
    boolean asked =
        settlements.deadLetter(
            delivery,
            cause,
            spentNanos,
            settled -> {
              if (skipped != null) {
                wasSkipped(settled, skipped, true);
              }
              deadLettered(settled, cause);
            });
    if (asked) {
      return;
    }
    LOG.error(
        "Message {} of queue {} should go to the dead letters on attempt {} ({}), but the queue has"
            + " no dead-letter destination; it is tried again later. Set a destination in the"
            + " queue's builder.",
        delivery.id(),
        queue.name(),
        delivery.attempt(),
        cause.type());
    Duration after = retry.backoff().cap();
    settlements.release(
        delivery,
        after,
        ReleaseCause.FAILED,
        spentNanos,
        settled -> {
          if (skipped != null) {
            wasSkipped(settled, skipped, false);
          }
          retried(settled, after);
        });
  }

  private void handled(Delivery delivery) {
    acked(delivery);
    counters.handled.increment();
  }

  private void acked(Delivery delivery) {
    if (signals.heard()) {
      signals.tell(listener -> listener.acked(delivery));
    }
  }

  private void returned(Delivery delivery) {
    if (signals.heard()) {
      signals.tell(listener -> listener.returned(delivery));
    }
    counters.returned.increment();
  }

  private void retried(Delivery delivery, Duration after) {
    if (signals.heard()) {
      signals.tell(listener -> listener.retried(delivery, after));
    }
    counters.retried.increment();
  }

  /**
   * It was settled without its handler.
   *
   * @param forGood whether it does not come again
   */
  private void wasSkipped(Delivery delivery, SkipReason why, boolean forGood) {
    if (signals.heard()) {
      signals.tell(listener -> listener.skipped(delivery, why));
    }
    if (forGood) {
      counters.skipped(why);
    }
  }

  private void deadLettered(Delivery delivery, DeadLetterCause cause) {
    if (signals.heard()) {
      signals.tell(listener -> listener.deadLettered(delivery, cause));
    }
    counters.deadLettered.increment();
    LOG.warn(
        "Message {} of queue {} went to the dead letters on attempt {}: {}",
        delivery.id(),
        queue.name(),
        delivery.attempt(),
        cause.type());
  }
}
