package dev.forebay.queue.sqs;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Decides deliveries: asks SQS, and turns its answers into settlements (A1–A4, L3, R1, D1).
 *
 * <p>Thread-safe.
 */
final class Settlements {

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private final Settler settler;
  private final Ledger ledger;
  private final WrittenReturns returns;
  private final TimeSource time;

  Settlements(Settler settler, Ledger ledger, WrittenReturns returns, TimeSource time) {
    this.settler = settler;
    this.ledger = ledger;
    this.returns = returns;
    this.time = time;
  }

  /** Deletes the message. */
  CompletableFuture<Settlement> ack(SqsDelivery delivery) {
    if (!delivery.beginSettlement()) {
      return stale();
    }
    String receipt = delivery.receipt();
    return delete(delivery).thenApply(result -> deleted(delivery, result, receipt, false));
  }

  private CompletableFuture<Settler.Result> delete(SqsDelivery delivery) {
    return settler.delete(delivery::receipt, delivery::deadlineNanos);
  }

  /**
   * Takes the answer to a delete; {@code receipt} is the newest there was when it was asked for.
   */
  private Settlement deleted(
      SqsDelivery delivery, Settler.Result result, String receipt, boolean dead) {
    return switch (result) {
      case DONE -> {
        remember(delivery, dead);
        delivery.markGone();
        if (!delivery.receipt().equals(receipt)) {
          // A duplicate came while this was under way: SQS may have taken an old receipt and
          // deleted nothing.
          deleteAgain(delivery);
        }
        yield delivery.settled() ? Settlement.OK : Settlement.UNKNOWN;
      }
      case AMBIGUOUS -> {
        // Its work is done: should it come back to this process, it is deleted and not run again.
        remember(delivery, dead);
        delivery.settled();
        yield Settlement.UNKNOWN;
      }
      case GONE, REFUSED, TOO_LATE -> undone(delivery, result);
    };
  }

  private void remember(SqsDelivery delivery, boolean dead) {
    if (dead) {
      ledger.deadLettered(delivery);
    } else {
      ledger.finished(delivery);
    }
  }

  /** The request surely did nothing: the delivery is held as before, or lost. */
  private static Settlement undone(SqsDelivery delivery, Settler.Result result) {
    delivery.reopen();
    if (result == Settler.Result.GONE) {
      delivery.lose();
    }
    return delivery.isLost() ? Settlement.STALE : Settlement.UNKNOWN;
  }

  /**
   * Gives the message back.
   *
   * @param first what has to be back before it
   */
  CompletableFuture<Settlement> release(
      SqsDelivery delivery, Duration delay, ReleaseCause cause, List<SqsDelivery> first) {
    return returns
        .copy(delivery, delay, cause)
        .map(copy -> writeReturn(delivery, copy, delay))
        .orElseGet(() -> giveBack(first).thenCompose(done -> release(delivery, delay, cause)));
  }

  /** Sends the copy and only then deletes the message, as a dead letter is written (D1). */
  private CompletableFuture<Settlement> writeReturn(
      SqsDelivery delivery, SqsWire.Encoded copy, Duration delay) {
    delivery.markReleasing(true);
    return returns
        .send(delivery, copy, delay)
        .thenCompose(
            outcome -> {
              if (outcome instanceof EnqueueOutcome.Failed) {
                // Perhaps stored nevertheless, which is one more copy; lost it must not be.
                return release(delivery, delay, ReleaseCause.RETURNED);
              }
              String receipt = delivery.receipt();
              return delete(delivery).thenApply(result -> returned(delivery, result, receipt));
            });
  }

  /** From now on the copy counts, whatever became of the message it was made of. */
  private Settlement returned(SqsDelivery delivery, Settler.Result result, String receipt) {
    if (result == Settler.Result.DONE) {
      return deleted(delivery, result, receipt, true);
    }
    remember(delivery, true);
    delivery.settled();
    return Settlement.UNKNOWN;
  }

  private CompletableFuture<Settlement> release(
      SqsDelivery delivery, Duration delay, ReleaseCause cause) {
    delivery.markReleasing(true);
    ledger.releasing(delivery, cause);
    int seconds = (int) LeaseTimes.ceilSeconds(delay);
    return delivery.inTurn(
        () ->
            settler
                .change(delivery::receipt, delivery::deadlineNanos, seconds)
                .thenApply(changed -> released(delivery, cause, changed.result())));
  }

  private Settlement released(SqsDelivery delivery, ReleaseCause cause, Settler.Result result) {
    return switch (result) {
      case DONE -> delivery.settled() ? Settlement.OK : Settlement.UNKNOWN;
      case AMBIGUOUS -> {
        delivery.settled();
        yield Settlement.UNKNOWN;
      }
      case GONE, REFUSED, TOO_LATE -> {
        ledger.notReleased(delivery, cause);
        delivery.markReleasing(false);
        yield undone(delivery, result);
      }
    };
  }

  /** Gives back at once what was not handed out, the first of the list first. */
  CompletableFuture<Void> giveBack(List<SqsDelivery> deliveries) {
    List<CompletableFuture<?>> each = new ArrayList<>(deliveries.size());
    for (SqsDelivery delivery : deliveries) {
      if (delivery.beginSettlement()) {
        each.add(release(delivery, Duration.ZERO, ReleaseCause.RETURNED));
      }
    }
    return CompletableFuture.allOf(each.toArray(CompletableFuture[]::new));
  }

  /** Moves the end of the lease; capped where SQS ends a delivery's total. */
  CompletableFuture<Settlement> extend(SqsDelivery delivery, Duration lease) {
    return delivery.isHeld() ? delivery.inTurn(() -> extendNow(delivery, lease)) : stale();
  }

  private CompletableFuture<Settlement> extendNow(SqsDelivery delivery, Duration lease) {
    long now = time.nanoTime();
    long room = (LeaseTimes.hardEnd(delivery.receivedNanos()) - now) / SECOND;
    long wanted = LeaseTimes.ceilSeconds(lease);
    boolean capped = wanted > room;
    long granted = capped ? room * SECOND : lease.toNanos();
    boolean gainsNothing = capped && now + granted - delivery.deadlineNanos() < SECOND;
    if (!delivery.isHeld() || gainsNothing) {
      return stale();
    }
    if (now + granted < delivery.deadlineNanos()) {
      // A shorter lease holds from now on, whatever becomes of the request.
      delivery.extendedTo(now + granted);
    }
    return settler
        .change(delivery::receipt, delivery::deadlineNanos, (int) Math.min(wanted, room))
        .thenApply(changed -> extended(delivery, changed, granted));
  }

  private Settlement extended(SqsDelivery delivery, Settler.Changed changed, long grantedNanos) {
    return switch (changed.result()) {
      case DONE -> {
        long hiddenUntil = changed.sentNanos() + grantedNanos;
        if (delivery.extendedTo(hiddenUntil)) {
          yield Settlement.OK;
        }
        if (delivery.isLost()) {
          showAgain(delivery, hiddenUntil);
        }
        yield Settlement.STALE;
      }
      case GONE -> {
        delivery.lose();
        yield Settlement.STALE;
      }
      case TOO_LATE -> delivery.isHeld() ? Settlement.UNKNOWN : Settlement.STALE;
      case REFUSED, AMBIGUOUS -> Settlement.UNKNOWN;
    };
  }

  /**
   * SQS extended a lease in time, but its answer came after the end of it here: nobody has the
   * message, and it would stay hidden for as long as it was extended by (L2).
   */
  private void showAgain(SqsDelivery lost, long hiddenUntil) {
    if (!ledger.isHeld(lost)) {
      var unused = settler.change(lost::receipt, () -> hiddenUntil, 0);
    }
  }

  /** Copies the message to the dead letters and only then deletes it (D1). */
  CompletableFuture<Settlement> deadLetter(
      SqsDelivery delivery, DeadLetterCause cause, DeadLetterSender letters) {
    if (!delivery.beginSettlement()) {
      return stale();
    }
    return letters
        .send(delivery, cause)
        .thenCompose(
            outcome -> {
              if (outcome instanceof EnqueueOutcome.Failed failed) {
                Settlement held = undone(delivery, Settler.Result.REFUSED);
                // STALE says that nothing was changed, and the letter may be there.
                boolean perhaps = failed.code() == ErrorCode.AMBIGUOUS;
                return CompletableFuture.completedFuture(perhaps ? Settlement.UNKNOWN : held);
              }
              String receipt = delivery.receipt();
              return delete(delivery).thenApply(result -> buried(delivery, result, receipt));
            });
  }

  /** The copy is there; if its source may be too, it is not surely one place that holds it. */
  private Settlement buried(SqsDelivery delivery, Settler.Result result, String receipt) {
    Settlement settlement = deleted(delivery, result, receipt, true);
    return settlement == Settlement.STALE ? Settlement.UNKNOWN : settlement;
  }

  /** Deletes a message that was finished here and came back. */
  void deleteAgain(SqsDelivery delivery) {
    var unused = delete(delivery);
  }

  /**
   * Lets a delivery live on under the newer receipt of its duplicate. SQS has begun the lease anew,
   * so what it had beyond that is asked for again.
   */
  void supersede(SqsDelivery held, SqsDelivery duplicate) {
    held.supersede(duplicate.receipt());
    if (held.isGone()) {
      // Its deletion ended just now, perhaps by the older receipt.
      deleteAgain(held);
      return;
    }
    long before = held.deadlineNanos();
    long now = time.nanoTime();
    if (before > duplicate.deadlineNanos() && held.extendedTo(duplicate.deadlineNanos())) {
      var unused = extend(held, Duration.ofNanos(before - now));
    }
  }

  /** Keeps a second copy away until the first one's lease ends. */
  void postpone(SqsDelivery copy, SqsDelivery held) {
    int seconds = (int) LeaseTimes.ceilSeconds(held.leaseRemaining()) + 1;
    var unused = settler.change(copy::receipt, copy::deadlineNanos, seconds);
  }

  private static CompletableFuture<Settlement> stale() {
    return CompletableFuture.completedFuture(Settlement.STALE);
  }
}
