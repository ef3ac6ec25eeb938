package dev.forebay.queue.worker;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks a queue for settlements, and sees to its answers: what a settlement was asked for is said
 * only when the queue has confirmed it, since a stale one, or one that failed, has changed nothing
 * (A3). Never blocks and never throws: a settlement nobody confirmed is counted, and the message
 * comes back by its lease.
 *
 * <p>Everywhere {@code confirmed} is called once the queue has said OK, on the thread on which it
 * did, and {@code spentNanos} is how long the handler ran for what is settled.
 *
 * <p>Thread-safe.
 */
final class Settlements {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final WorkQueue queue;
  private final Capabilities can;
  private final Slots slots;
  private final Counters counters;
  private final Signals signals;
  private final AtomicBoolean delayCutLogged = new AtomicBoolean();
  private final AtomicBoolean refusalLogged = new AtomicBoolean();

  Settlements(WorkQueue queue, Slots slots, Counters counters, Signals signals) {
    this.queue = queue;
    this.can = queue.capabilities();
    this.slots = slots;
    this.counters = counters;
    this.signals = signals;
  }

  /**
   * Acks.
   *
   * @param progressIn the lane in which its progress is to be forgotten then; null when it has none
   */
  void ack(
      Delivery delivery, long spentNanos, @Nullable Lane progressIn, Consumer<Delivery> confirmed) {
    try {
      watch(queue.ack(delivery), delivery, spentNanos, progressIn, confirmed);
    } catch (RuntimeException e) {
      refused(delivery, e);
    }
  }

  /**
   * Moves to the dead letters.
   *
   * @return false when the queue has none, and nothing was done
   */
  boolean deadLetter(
      Delivery delivery, DeadLetterCause cause, long spentNanos, Consumer<Delivery> confirmed) {
    if (!can.deadLetters()) {
      return false;
    }
    try {
      watch(queue.deadLetter(delivery, cause), delivery, spentNanos, null, confirmed);
    } catch (QueueException e) {
      if (e.code() == ErrorCode.UNSUPPORTED) {
        return false;
      }
      refused(delivery, e);
    } catch (RuntimeException e) {
      refused(delivery, e);
    }
    return true;
  }

  /** Releases, after the longest delay that the queue offers if this is a longer one. */
  void release(
      Delivery delivery,
      Duration delay,
      ReleaseCause cause,
      long spentNanos,
      Consumer<Delivery> confirmed) {
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
      watch(queue.release(delivery, offered, cause), delivery, spentNanos, null, confirmed);
    } catch (RuntimeException e) {
      refused(delivery, e);
    }
  }

  private void watch(
      CompletableFuture<Settlement> settlement,
      Delivery delivery,
      long spentNanos,
      @Nullable Lane progressIn,
      Consumer<Delivery> confirmed) {
    if (settlement.isDone() && !settlement.isCompletedExceptionally()) {
      answered(settlement.join(), delivery, spentNanos, progressIn, confirmed);
      return;
    }
    slots.settlementBegins();
    CompletableFuture<Settlement> unused =
        settlement.whenComplete(
            (result, failure) -> {
              try {
                if (failure == null) {
                  answered(result, delivery, spentNanos, progressIn, confirmed);
                } else {
                  refused(delivery, failure);
                }
              } finally {
                // Only now: a worker that has drained has counted everything.
                slots.settlementEnds();
              }
            });
  }

  private void answered(
      Settlement result,
      Delivery delivery,
      long spentNanos,
      @Nullable Lane progressIn,
      Consumer<Delivery> confirmed) {
    if (result == Settlement.OK) {
      confirmed.accept(delivery);
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

  private void refused(Delivery delivery, Throwable failure) {
    if (signals.heard()) {
      signals.tell(listener -> listener.unsettled(delivery, Settlement.UNKNOWN));
    }
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
