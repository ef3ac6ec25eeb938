package dev.forebay.queue.worker;

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
  private final AtomicBoolean delayCutLogged = new AtomicBoolean();
  private final AtomicBoolean refusalLogged = new AtomicBoolean();

  Settler(WorkQueue queue, RetryPolicy retry, Slots slots, Counters counters) {
    this.queue = queue;
    this.can = queue.capabilities();
    this.retry = retry;
    this.slots = slots;
    this.counters = counters;
  }

  /** Whether a message has had all its attempts before this one, and there is a place for it. */
  boolean isExhausted(Delivery delivery) {
    // Without that place it is better tried again, slowly, than carried round untried for ever.
    return delivery.attempt() > retry.maxAttempts() && can.deadLetters();
  }

  /** Dead-letters a delivery that {@link #isExhausted}, without running it (R5). */
  void exhausted(Delivery delivery) {
    deadLetter(
        delivery,
        new DeadLetterCause(
            DeadLetterCause.MAX_ATTEMPTS,
            "Attempt "
                + delivery.attempt()
                + " of at most "
                + retry.maxAttempts()
                + "; the earlier ones: "
                + delivery.attempts()),
        0);
  }

  /** Settles as the handler decided, after it ran {@code spentNanos}. */
  void decided(Delivery delivery, Outcome outcome, long spentNanos) {
    if (outcome instanceof Outcome.Ack) {
      counters.handled.increment();
      ack(delivery, spentNanos);
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
                delivery.attempt(),
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
      ack(delivery, 0);
    } else if (outcome instanceof Outcome.GiveBack) {
      giveBack(delivery);
    } else if (outcome instanceof Outcome.DeadLetter dead) {
      deadLetter(delivery, dead.cause(), 0);
    } else {
      counters.returned.increment();
      Duration after = outcome instanceof Outcome.RetryAfter given ? given.delay() : Duration.ZERO;
      release(delivery, after, ReleaseCause.RETURNED, 0);
    }
  }

  /** Settles after the handler threw, having run {@code spentNanos}. */
  void failed(Delivery delivery, Throwable failure, long spentNanos) {
    counters.failed.increment();
    if (LOG.isDebugEnabled()) {
      LOG.debug("Attempt {} of message {} failed", delivery.attempt(), delivery.id(), failure);
    }
    RetryDecision decision;
    try {
      decision = retry.decide(delivery.attempt(), failure, delivery.id());
    } catch (RuntimeException e) {
      LOG.error(
          "A test for terminal failures threw on a {}; the message is retried",
          failure.getClass().getName(),
          e);
      decision = retry.decide(delivery.attempt(), DeadLetterCause.of(failure), delivery.id());
    }
    follow(delivery, decision, null, spentNanos);
  }

  /** Gives back without counting an attempt. */
  void giveBack(Delivery delivery) {
    counters.returned.increment();
    release(delivery, Duration.ZERO, ReleaseCause.RETURNED, 0);
  }

  private void ack(Delivery delivery, long spentNanos) {
    try {
      watch(queue.ack(delivery), delivery, spentNanos);
    } catch (RuntimeException e) {
      refused(e);
    }
  }

  private void follow(
      Delivery delivery, RetryDecision decision, @Nullable Duration instead, long spentNanos) {
    if (decision instanceof RetryDecision.DeadLetter dead) {
      deadLetter(delivery, dead.cause(), spentNanos);
    } else {
      counters.retried.increment();
      Duration after = instead == null ? ((RetryDecision.Retry) decision).after() : instead;
      release(delivery, after, ReleaseCause.FAILED, spentNanos);
    }
  }

  private void deadLetter(Delivery delivery, DeadLetterCause cause, long spentNanos) {
    if (can.deadLetters()) {
      try {
        watch(queue.deadLetter(delivery, cause), delivery, spentNanos);
        counters.deadLettered.increment();
        LOG.warn(
            "Message {} of queue {} goes to the dead letters on attempt {}: {}",
            delivery.id(),
            queue.name(),
            delivery.attempt(),
            cause.type());
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
      watch(queue.release(delivery, offered, cause), delivery, spentNanos);
    } catch (RuntimeException e) {
      refused(e);
    }
  }

  private void watch(CompletableFuture<Settlement> settlement, Delivery delivery, long spentNanos) {
    if (settlement.isDone() && !settlement.isCompletedExceptionally()) {
      count(settlement.join(), delivery, spentNanos);
      return;
    }
    slots.settlementBegins();
    CompletableFuture<Settlement> unused =
        settlement.whenComplete(
            (result, failure) -> {
              if (failure == null) {
                count(result, delivery, spentNanos);
              } else {
                refused(failure);
              }
              slots.settlementEnds();
            });
  }

  private void count(Settlement result, Delivery delivery, long spentNanos) {
    if (result == Settlement.OK) {
      return;
    }
    if (result == Settlement.UNKNOWN) {
      counters.unknown.increment();
      return;
    }
    counters.stale.increment();
    // Not lost means that the handler settled it by itself.
    if (delivery.isLost()) {
      counters.leaseLost.increment();
      counters.wastedNanos.add(spentNanos);
    }
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
