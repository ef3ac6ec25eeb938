package dev.forebay.queue.worker;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.policy.LeasePolicy;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All that happens to a delivery on a slot: not started without enough lease, nor when its attempts
 * are used up, nor when the worker stops; else handled, and settled by what came of it. Frees the
 * slot when the handler has ended, not when the settlement is confirmed.
 *
 * <p>Thread-safe.
 */
final class Execution implements Consumer<Run> {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final DecidingHandler<Delivery> handler;
  private final LeasePolicy leases;
  private final LeaseKeeper keeper;
  private final Settler settler;
  private final Slots slots;
  private final Counters counters;
  private final AtomicBoolean stopping;
  private final Consumer<List<Run>> again;

  /**
   * Runs this handler.
   *
   * @param again takes a run whose lease was extended so that it can start
   */
  Execution(
      DecidingHandler<Delivery> handler,
      LeasePolicy leases,
      LeaseKeeper keeper,
      Settler settler,
      Slots slots,
      Counters counters,
      AtomicBoolean stopping,
      Consumer<List<Run>> again) {
    this.handler = handler;
    this.leases = leases;
    this.keeper = keeper;
    this.settler = settler;
    this.slots = slots;
    this.counters = counters;
    this.stopping = stopping;
    this.again = again;
  }

  @Override
  public void accept(Run run) {
    boolean holdsSlot = true;
    try {
      holdsSlot = start(run);
    } catch (RuntimeException | Error e) {
      // Not the handler's: those end up as a failure of its attempt.
      LOG.error("The worker failed on {}; it comes back when its lease ends", run, e);
    } finally {
      if (holdsSlot) {
        slots.giveBack();
      }
    }
  }

  /** Returns whether the slot is to be freed; false when the run comes again in it. */
  private boolean start(Run run) {
    Delivery delivery = run.delivery();
    if (stopping.get()) {
      settler.giveBack(delivery);
    } else if (!leases.safeToStart(delivery.leaseRemaining(), run.lease())
        && !run.extendedToStart()) {
      return startAfterExtension(run);
    } else if (settler.isExhausted(delivery)) {
      settler.exhausted(delivery);
    } else if (run.begin()) {
      handle(run, delivery);
    } else if (!run.knownLost()) {
      settler.giveBack(delivery);
    }
    return true;
  }

  private void handle(Run run, Delivery delivery) {
    Outcome outcome = null;
    Throwable failure = null;
    try {
      outcome = handler.handle(delivery, run);
    } catch (Throwable e) {
      // Errors too: one message that runs out of memory or stack must not end the worker.
      failure = e;
    }
    long spent = run.end();
    counters.busyNanos.add(spent);
    settle(run, outcome, failure, spent);
  }

  private void settle(Run run, @Nullable Outcome outcome, @Nullable Throwable failure, long spent) {
    Delivery delivery = run.delivery();
    if (run.knownLost()) {
      counters.wastedNanos.add(spent);
    } else if (outcome != null) {
      settler.decided(delivery, outcome, spent);
    } else if (run.wasCutShort()) {
      // Its failure says nothing about the message: the worker stopped it (S1).
      settler.giveBack(delivery);
    } else {
      settler.failed(
          delivery,
          failure == null ? new NullPointerException("The handler returned no outcome") : failure,
          spent);
    }
  }

  private boolean startAfterExtension(Run run) {
    Delivery delivery = run.delivery();
    if (delivery.isLost()) {
      counters.leaseLost.increment();
      return true;
    }
    run.markExtendedToStart();
    keeper.extend(
        run,
        extended -> {
          if (extended) {
            again.accept(List.of(run));
          } else {
            if (!run.knownLost()) {
              settler.giveBack(delivery);
            }
            slots.giveBack();
          }
        });
    return false;
  }
}
