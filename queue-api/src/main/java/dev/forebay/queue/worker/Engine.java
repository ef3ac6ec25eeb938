package dev.forebay.queue.worker;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a worker, put together, and the way of deliveries between them: from the polls
 * through the line to the threads, and back to the queue with what is not to run. How it is brought
 * to its end is the {@link Worker}'s business.
 *
 * <p>Thread-safe.
 */
final class Engine {

  final Signals signals;
  final Stopping stopping;

  /** Where the end of the worker is waited for. */
  final Waiter drainer = new Waiter();

  final Gate paused;
  private final int totalSlots;
  private final Counters counters = new Counters();
  private final Gates gates;
  private final Runnable gateChanged = this::giveBackBehindClosedGates;
  private final SlotThreads threads;
  private final Parking parking;
  private final Execution execution;
  private final Line line;
  private final Runners runners;
  private final @Nullable Activity activity;
  private final List<Lane> lanes = new ArrayList<>();
  private final List<Intake> intakes = new ArrayList<>();
  private final List<Thread> intakeThreads = new ArrayList<>();

  /**
   * At rest.
   *
   * @param name of its threads
   * @param queueClosed called by an intake thread once it has ended because its queue is closed
   */
  Engine(WorkerBuilder builder, String name, Runnable queueClosed) {
    TimeSource time = builder.time;
    Plan plan = new Plan(builder);
    stopping = new Stopping(time);
    totalSlots = plan.room();
    signals = new Signals(builder.listeners);
    paused = Gate.opened(time);
    Gate throttled = Gate.opened(time);
    gates = plan.gates(paused, throttled, signals);
    threads = SlotThreads.of(name + "-", builder.slots, builder.platformThreads);
    parking = new Parking(this::dispatch, this::settleParked);
    StepContext context = new StepContext(time, builder.retry, parking, counters, signals);
    HandlerTimes times = new HandlerTimes();
    execution =
        new Execution(
            builder.work().each(),
            builder.leases,
            times,
            plan.steps(context, gates),
            plan.deadlines(),
            parking,
            counters,
            signals,
            stopping,
            this::dispatch);
    activity = plan.activity(name + "-protection");
    line = plan.line(this::lookAgain, this::signalTakers);
    runners =
        new Runners(
            line,
            threads,
            plan.body(execution),
            // Where more than the slots has a say, everything goes through the line.
            plan.ordered() ? lane -> null : lane -> intakes.get(lane.number).next(),
            drainer);
    Settler.Rules rules =
        new Settler.Rules(
            builder.retry,
            counters,
            signals,
            builder.pauseWhenThrottled ? throttled::close : after -> {},
            stopping,
            plan.progress(signals),
            activity);
    for (Plan.Source source : plan.sources()) {
      Lane lane =
          new Lane(
              lanes.size(),
              source.queue(),
              plan.roomOfLane(lanes.size()),
              builder.leases,
              times,
              rules,
              time,
              drainer,
              this::forEachRun);
      lanes.add(lane);
      Intake intake =
          new Intake(
              lane,
              builder.pollWait,
              time,
              gates,
              plan.ceiling(line, lane),
              signals,
              this::dispatch,
              stopping,
              drainer,
              queueClosed);
      intakes.add(intake);
      Thread thread = new Thread(intake, lanes.size() == 1 ? name : name + "-" + lanes.size());
      thread.setDaemon(false);
      intakeThreads.add(thread);
    }
  }

  /** Starts to poll. */
  void start() {
    gates.start();
    gates.onChange(gateChanged);
    intakeThreads.forEach(Thread::start);
  }

  List<WorkQueue> queues() {
    return lanes.stream().map(lane -> lane.queue).toList();
  }

  WorkerStats stats() {
    AtomicLong runningNanos = new AtomicLong();
    AtomicLong wastedNanos = new AtomicLong();
    AtomicInteger hung = new AtomicInteger();
    runners.forEach(
        run -> {
          long nanos = run.runningNanos();
          runningNanos.addAndGet(nanos);
          if (nanos > 0 && run.knownLost()) {
            wastedNanos.addAndGet(nanos);
            hung.incrementAndGet();
          }
        });
    return counters.snapshot(
        new Counters.Now(
            totalSlots,
            line.concurrency(totalSlots),
            inHand(),
            hung.get(),
            runningNanos.get(),
            wastedNanos.get()));
  }

  /** Wakes the polls; in a stopping worker they bring nothing then. */
  void wakePolls() {
    intakeThreads.forEach(Thread::interrupt);
  }

  /** Whether no poll brings anything any more. */
  boolean pollsEnded() {
    return intakes.stream().allMatch(Intake::done);
  }

  /** Whether this is one of its threads that take deliveries or run handlers. */
  boolean runsOn(Thread candidate) {
    return intakeThreads.contains(candidate) || runners.runOn(candidate);
  }

  /** Whether it has nothing in hand and nothing under way. */
  boolean isIdle() {
    return pollsEnded() && lanes.stream().allMatch(lane -> lane.slots.idle()) && runners.idle();
  }

  /** Deliveries that hold a slot. */
  int inHand() {
    return lanes.stream().mapToInt(lane -> lane.slots.used()).sum();
  }

  /** Gives back all that has not been started, and what its steps keep (S1). */
  void giveBackUnstarted() {
    giveBackWaiting();
    parking.close();
  }

  /** Tells handlers that the worker drains. */
  void tellDrain() {
    forEachRun(Run::tellDrain);
  }

  /** Interrupts the running handlers. */
  void cutShort() {
    runners.forEach(Run::cutShort);
  }

  /**
   * No lease is extended any more, and threads end when what they run has ended.
   *
   * @return the thread that says that nothing is in hand, if somebody is to be told
   */
  @Nullable Thread shutDown() {
    lanes.forEach(lane -> lane.keeper.stop());
    threads.shutdown();
    return activity == null ? null : activity.close();
  }

  /** Waits for threads that have nothing left to do: for the JVM to take them down. */
  void awaitThreads(Duration each) throws InterruptedException {
    threads.awaitEnd(each);
    for (Thread intakeThread : intakeThreads) {
      if (Thread.currentThread() != intakeThread) {
        intakeThread.join(each.toMillis());
      }
    }
  }

  /** What lives on is to know of it no more. */
  void forget() {
    execution.close();
    gates.forget(gateChanged);
    gates.close();
  }

  private void lookAgain() {
    orGiveBack(runners::lookAgain);
  }

  private void signalTakers() {
    lanes.forEach(lane -> lane.taker.signal());
  }

  private void forEachRun(Consumer<Run> action) {
    runners.forEach(action);
    parking.forEach(action);
  }

  private void settleParked(Run run, Outcome outcome, SkipReason why) {
    execution.settleParked(run, outcome, why);
  }

  /**
   * Hands runs that hold slots to threads. In a closing worker nothing is left waiting: whoever
   * comes after {@link #giveBackUnstarted} has taken out what waited finds the worker stopping
   * here, and what comes before is found there.
   */
  private void dispatch(List<Run> runs) {
    orGiveBack(() -> runners.dispatch(runs));
    if (stopping.get()) {
      giveBackWaiting();
    }
  }

  /** If there are no threads to be had for what waits, it is given back. */
  private void orGiveBack(Runnable start) {
    boolean started = false;
    try {
      start.run();
      started = true;
    } finally {
      if (!started) {
        giveBackWaiting();
      }
    }
  }

  /** Gives back what was received but not started, where that burns no attempt (W6). */
  private void giveBackBehindClosedGates() {
    if (gates.open()) {
      return;
    }
    List<Run> keep = new ArrayList<>();
    for (Run run : runners.withdraw()) {
      if (run.lane().can.returnsWithoutAttempt()) {
        settleParked(run, Outcome.giveBack(), SkipReason.GATE_CLOSED);
      } else {
        keep.add(run);
      }
    }
    if (!keep.isEmpty()) {
      dispatch(keep);
    }
  }

  /** Gives back what has a slot but has not been started (S1). */
  private void giveBackWaiting() {
    for (Run run : runners.withdraw()) {
      execution.giveBack(run);
      run.lane().slots.giveBack();
    }
  }
}
