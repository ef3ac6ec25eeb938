package dev.forebay.queue.worker;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.policy.LeasePolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
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
final class Execution implements Consumer<Task> {

  /** Whether the handler of a run runs. */
  enum Admission {
    NOW,
    /** It has been dealt with. */
    NEVER,
    /** It keeps its slot and comes again. */
    LATER
  }

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final DecidingHandler<Delivery> handler;
  private final LeasePolicy leases;
  private final HandlerTimes times;
  private final Steps steps;
  private final DeadlineStep deadlines;
  private final Parking parking;
  private final Counters counters;
  private final Signals signals;
  private final Stopping stopping;
  private final Consumer<List<Run>> again;

  /** Made once and not for each message. */
  private final Function<Run, Admission> admitted = this::runIfAdmitted;

  /**
   * Runs this handler.
   *
   * @param times learns how long handlers run
   * @param steps asked before it runs and told what came of it
   * @param deadlines asked once more when it is about to start, since the steps may take their time
   * @param parking keeps what a step keeps
   * @param again takes a run whose lease was extended so that it can start
   */
  Execution(
      DecidingHandler<Delivery> handler,
      LeasePolicy leases,
      HandlerTimes times,
      Steps steps,
      DeadlineStep deadlines,
      Parking parking,
      Counters counters,
      Signals signals,
      Stopping stopping,
      Consumer<List<Run>> again) {
    this.handler = handler;
    this.leases = leases;
    this.times = times;
    this.steps = steps;
    this.deadlines = deadlines;
    this.parking = parking;
    this.counters = counters;
    this.signals = signals;
    this.stopping = stopping;
    this.again = again;
  }

  @Override
  public void accept(Task task) {
    if (task instanceof Run run) {
      guarded(run, admitted);
    }
  }

  private Admission runIfAdmitted(Run run) {
    Admission admission = admit(run);
    if (admission == Admission.NOW && begin(run, true)) {
      runHandler(run);
    }
    return admission;
  }

  /**
   * Does something to a run and frees its slot, unless it is {@link Admission#LATER}: then it may
   * be in other hands by now, with its slot.
   */
  void guarded(Run run, Function<Run, Admission> action) {
    boolean holdsSlot = true;
    try {
      holdsSlot = action.apply(run) != Admission.LATER;
    } catch (RuntimeException | Error e) {
      // Not the handler's: those end up as a failure of its attempt.
      LOG.error("The worker failed on {}; it comes back when its lease ends", run, e);
    } finally {
      if (holdsSlot) {
        run.freeSlot();
      }
    }
  }

  /** Whether the handler is to run now; if not, the run has been dealt with or comes again. */
  Admission admit(Run run) {
    Admission mayBeAsked = beforeSteps(run);
    return mayBeAsked == Admission.NOW ? follow(run, steps.before(run)) : mayBeAsked;
  }

  /** The same for the runs of a batch: those whose handler is to run now. */
  List<Run> admit(List<Run> runs) {
    List<Run> asked = collect(runs, this::beforeSteps);
    Iterator<Decision> decisions = List.of(steps.before(asked)).iterator();
    return collect(asked, run -> follow(run, decisions.next()));
  }

  /** Those that the action says are to run; the others have been dealt with or come again. */
  private List<Run> collect(List<Run> runs, Function<Run, Admission> action) {
    List<Run> now = new ArrayList<>(runs.size());
    for (Run each : runs) {
      guarded(
          each,
          run -> {
            Admission admission = action.apply(run);
            if (admission == Admission.NOW) {
              now.add(run);
              return Admission.LATER;
            }
            return admission;
          });
    }
    return now;
  }

  /** What is decided without the steps; NOW when they are to be asked. */
  private Admission beforeSteps(Run run) {
    Delivery delivery = run.delivery();
    Settler settler = run.lane().settler;
    if (stopping.get()) {
      giveBack(run);
      return Admission.NEVER;
    }
    if (!safeToStart(run)) {
      return startAfterExtension(run);
    }
    if (settler.isExhausted(delivery)) {
      if (run.leave()) {
        settler.exhausted(delivery);
      }
      return Admission.NEVER;
    }
    return Admission.NOW;
  }

  /** Does as the steps say. */
  private Admission follow(Run run, Decision decision) {
    if (decision instanceof Decision.Go) {
      if (safeToStart(run)) {
        return Admission.NOW;
      }
      // The steps took their time, for instance to ask a store that is slow.
      steps.after(run, Result.NOT_RUN);
      return startAfterExtension(run);
    }
    if (decision instanceof Decision.Settle settle) {
      skip(run, settle.outcome(), settle.why());
      return Admission.NEVER;
    }
    parking.park(run);
    return Admission.LATER;
  }

  private void runHandler(Run run) {
    Outcome outcome = null;
    Throwable failure = null;
    try {
      outcome = handler.handle(run.delivery(), run);
    } catch (Throwable e) {
      // Errors too: one message that runs out of memory or stack must not end the worker.
      failure = e;
    }
    ended(run, outcome, failure);
  }

  /** The handler of an admitted run starts; false when that must not be, which has been seen to. */
  boolean begin(Run run, boolean alone) {
    Decision inTime = deadlines.before(run);
    if (inTime instanceof Decision.Settle late) {
      steps.after(run, Result.NOT_RUN);
      skip(run, late.outcome(), late.why());
      return false;
    }
    if (!stopping.get() && run.begin(alone)) {
      if (stopping.cuts()) {
        // It began beside the look of the closing thread at what runs.
        run.cutShort();
      }
      began(run);
      return true;
    }
    steps.after(run, Result.NOT_RUN);
    giveBack(run);
    return false;
  }

  /** Gives back a run that does not run, unless its lease is lost and it comes back by that. */
  void giveBack(Run run) {
    if (run.leave()) {
      run.lane().settler.giveBack(run.delivery());
    }
  }

  private static void skip(Run run, Outcome outcome, SkipReason why) {
    if (run.leave()) {
      run.lane().settler.skipped(run.delivery(), outcome, why);
    }
  }

  private void began(Run run) {
    counters.messageAge.record(run.ageNanos());
    counters.queueToStart.record(run.waitedNanos());
    if (signals.heard()) {
      Duration age = Duration.ofNanos(run.ageNanos());
      Duration waited = Duration.ofNanos(run.waitedNanos());
      signals.tell(listener -> listener.started(run.delivery(), age, waited));
    }
  }

  /** The handler of a run has ended: tells the steps and settles. */
  void ended(Run run, @Nullable Outcome outcome, @Nullable Throwable failure) {
    long spent = run.end();
    counters.busyNanos.add(spent);
    counters.handlerTime.record(spent);
    Result result = result(run, outcome, failure);
    if (result != Result.CUT_SHORT) {
      counters.recentHandlerNanos.record((double) spent);
    }
    if (leases.followsWork() && result != Result.LOST && result != Result.CUT_SHORT) {
      // One that hung says nothing of how long the others take.
      times.record(run.type(), spent);
    }
    if (signals.heard()) {
      HandlerEnd end = Result.end(result);
      Duration ran = Duration.ofNanos(spent);
      signals.tell(listener -> listener.finished(run.delivery(), end, ran, failure));
    }
    steps.after(run, result);
    settle(run, result);
  }

  private static Result result(Run run, @Nullable Outcome outcome, @Nullable Throwable failure) {
    if (run.knownLost()) {
      return Result.LOST;
    }
    if (run.wasHandedBack() || GiveBackException.isBehind(failure)) {
      return Result.decided(Outcome.giveBack());
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
    Settler settler = run.lane().settler;
    if (result instanceof Result.Decided decided) {
      settler.decided(
          delivery, decided.outcome(), run.spentNanos(), run.mayHaveProgress() ? run.lane() : null);
    } else if (result instanceof Result.Failed failed) {
      settler.failed(delivery, failed.failure(), run.spentNanos());
    } else if (result instanceof Result.CutShort) {
      settler.giveBack(delivery);
    } else {
      settler.wasted(delivery, run.spentNanos());
    }
  }

  /** Ends the stay of a run that was parked, in favour of a settlement. */
  void settleParked(Run run, Outcome outcome, SkipReason why) {
    try {
      skip(run, outcome, why);
    } finally {
      run.lane().slots.giveBack();
    }
  }

  /** Whether the lease has room for an extension that fails and is tried again (P4). */
  private boolean safeToStart(Run run) {
    return leases.safeToStart(run.delivery().leaseRemaining(), run.lease());
  }

  /** The worker has ended. */
  void close() {
    steps.close();
  }

  private Admission startAfterExtension(Run run) {
    Lane lane = run.lane();
    if (run.isLeaseLost()) {
      lane.keeper.noticeLoss(run);
      return Admission.NEVER;
    }
    if (run.extendedToStart()) {
      // Half a lease went by once more before it could start: others may be better at it.
      giveBack(run);
      return Admission.NEVER;
    }
    run.markExtendedToStart();
    lane.keeper.extend(
        run,
        extended -> {
          if (extended) {
            again.accept(List.of(run));
          } else {
            giveBack(run);
            lane.slots.giveBack();
          }
        });
    return Admission.LATER;
  }
}
