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
 * What happens to a delivery on a slot, from top to bottom:
 *
 * <ol>
 *   <li>not started: when the worker stops, without enough lease (then it is extended first), when
 *       its attempts are used up, and when one of the {@link Steps} decides against it;
 *   <li>handled;
 *   <li>the steps are told what came of it, in reverse;
 *   <li>settled.
 * </ol>
 *
 * <p>The slot is free when the handler has ended, not when the settlement is confirmed.
 * Thread-safe.
 */
final class Execution implements Consumer<Run> {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final DecidingHandler<Delivery> handler;
  private final LeasePolicy leases;
  private final LeaseKeeper keeper;
  private final Steps steps;
  private final Parking parking;
  private final Settler settler;
  private final Slots slots;
  private final Counters counters;
  private final AtomicBoolean stopping;
  private final Consumer<List<Run>> again;

  /**
   * Runs this handler.
   *
   * @param steps asked before it runs and told what came of it
   * @param parking keeps what a step keeps
   * @param again takes a run whose lease was extended so that it can start
   */
  Execution(
      DecidingHandler<Delivery> handler,
      LeasePolicy leases,
      LeaseKeeper keeper,
      Steps steps,
      Parking parking,
      Settler settler,
      Slots slots,
      Counters counters,
      AtomicBoolean stopping,
      Consumer<List<Run>> again) {
    this.handler = handler;
    this.leases = leases;
    this.keeper = keeper;
    this.steps = steps;
    this.parking = parking;
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
      return true;
    }
    if (!leases.safeToStart(delivery.leaseRemaining(), run.lease()) && !run.extendedToStart()) {
      return startAfterExtension(run);
    }
    if (settler.isExhausted(delivery)) {
      settler.exhausted(delivery);
      return true;
    }
    Decision decision = steps.before(run);
    if (decision instanceof Decision.Park) {
      parking.park(run);
      return false;
    }
    if (decision instanceof Decision.Settle settle) {
      settler.skipped(delivery, settle.outcome(), settle.why());
    } else if (decision instanceof Decision.Go) {
      runHandler(run);
    }
    return true;
  }

  private void runHandler(Run run) {
    if (!run.begin()) {
      steps.after(run, Result.NOT_RUN);
      if (!run.knownLost()) {
        settler.giveBack(run.delivery());
      }
      return;
    }
    Outcome outcome = null;
    Throwable failure = null;
    try {
      outcome = handler.handle(run.delivery(), run);
    } catch (Throwable e) {
      // Errors too: one message that runs out of memory or stack must not end the worker.
      failure = e;
    }
    counters.busyNanos.add(run.end());
    Result result = result(run, outcome, failure);
    steps.after(run, result);
    settle(run, result);
  }

  private static Result result(Run run, @Nullable Outcome outcome, @Nullable Throwable failure) {
    if (run.knownLost()) {
      return Result.LOST;
    }
    if (outcome != null) {
      return Result.decided(outcome);
    }
    if (run.wasCutShort()) {
      // Its failure says nothing about the message: the worker stopped it (S1).
      return Result.CUT_SHORT;
    }
    return new Result.Failed(
        failure == null ? new NullPointerException("The handler returned no outcome") : failure);
  }

  private void settle(Run run, Result result) {
    Delivery delivery = run.delivery();
    if (result instanceof Result.Decided decided) {
      settler.decided(delivery, decided.outcome(), run.spentNanos());
    } else if (result instanceof Result.Failed failed) {
      settler.failed(delivery, failed.failure(), run.spentNanos());
    } else if (result instanceof Result.CutShort) {
      settler.giveBack(delivery);
    } else {
      counters.wastedNanos.add(run.spentNanos());
    }
  }

  /** Ends the stay of a run that was parked, in favour of a settlement. */
  void settleParked(Run run, Outcome outcome, SkipReason why) {
    try {
      settler.skipped(run.delivery(), outcome, why);
    } finally {
      slots.giveBack();
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
