package dev.forebay.queue.worker;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs a handler for every message of a queue, on a number of slots, until it is closed.
 *
 * <pre>{@code
 * Worker worker =
 *     Worker.builder(queue)
 *         .slots(8)
 *         .retry(RetryPolicy.exponential(Duration.ofMillis(200), Duration.ofSeconds(30)))
 *         .handler(JsonCodec.of(Prompt.class), (prompt, context) -> ...)
 *         .start();
 * }</pre>
 *
 * <ul>
 *   <li>The handler returns: the message is acked. It throws: the message is retried after a
 *       backoff, and dead-lettered after the last attempt or at once when the failure is terminal
 *       (W1, R5). Without a dead-letter destination it is retried at the longest backoff instead.
 *   <li>It runs long: the lease is extended, for an hour unless {@link LeasePolicy#maxRunTime} says
 *       otherwise. The lease is lost all the same: the handler is interrupted and its result is not
 *       acked (W2).
 *   <li>The process dies: the message comes back by its lease. A message that lost more leases than
 *       the policy allows is dead-lettered without running it, so one that kills its process does
 *       not do so for ever.
 *   <li>The broker is away: the worker waits and goes on when it is back (S3). The queue is closed:
 *       the worker drains and stops.
 * </ul>
 *
 * <p>Handlers run on virtual threads where the JVM has them, else on platform threads. One more
 * platform thread for each queue polls; it keeps the JVM alive until the worker is closed. The
 * worker never closes its queue. Thread-safe.
 */
public final class Worker implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  /** For what was interrupted at the end of the grace time to end and be settled (S1). */
  private static final Duration LAST_CALL = Duration.ofSeconds(1);

  private final WorkQueue queue;
  private final TimeSource time;
  private final Duration grace;
  private final int totalSlots;
  private final Counters counters = new Counters();
  private final Signals signals;
  private final Drain drain;
  private final Stopping stopping;
  private final CompletableFuture<Void> terminated = new CompletableFuture<>();
  private final Waiter drainer = new Waiter();
  private final @Nullable ConcurrencyLimit limit;
  private final Gate paused;
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

  /** Drains the worker, and must not wait for that when a listener closes the worker once more. */
  private volatile @Nullable Thread ender;

  Worker(WorkerBuilder builder) {
    queue = builder.queue;
    time = builder.time;
    grace = builder.grace;
    limit = builder.limit;
    drain = builder.drain;
    stopping = new Stopping(time);
    Plan plan = new Plan(builder);
    totalSlots = plan.room();
    String name = "forebay-worker-" + queue.name();
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
            builder.handler(),
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
              this::queueClosed);
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

  /** Starts to describe a worker on this queue. */
  public static WorkerBuilder builder(WorkQueue queue) {
    return new WorkerBuilder(queue);
  }

  /** The queue it works on; with lanes the first one. */
  public WorkQueue queue() {
    return queue;
  }

  /** All queues it works on, in the order in which they were added; one without lanes. */
  public List<WorkQueue> queues() {
    return lanes.stream().map(lane -> lane.queue).toList();
  }

  /** Whether it has drained and stopped. */
  public boolean isTerminated() {
    return terminated.isDone();
  }

  /**
   * Stops intake until {@link #resume}: what runs goes on, what was received but not started is
   * given back untried, nothing is polled (W6). Idempotent.
   */
  public void pause() {
    paused.close();
  }

  /** Goes on after {@link #pause}. Idempotent. */
  public void resume() {
    paused.open();
  }

  /** What it has done so far. */
  public WorkerStats stats() {
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
            used(),
            hung.get(),
            runningNanos.get(),
            wastedNanos.get()));
  }

  /** What bounds how many handlers run at once besides its slots, if anything does (W6). */
  public Optional<ConcurrencyLimit> concurrencyLimit() {
    return Optional.ofNullable(limit);
  }

  /** Drains and stops as the builder says; see {@link #drain}. */
  @Override
  public void close() {
    drain(drain);
  }

  /**
   * Drains and stops, within the grace time and one second (S1). Idempotent; a second caller waits
   * for the first, whatever it asks for.
   *
   * <p>No further polls; what was received but not started is given back at once. Running handlers
   * may finish, are asked to stop at their next checkpoint or are interrupted, as {@code how} says;
   * their leases are still extended, and they are settled when they end. Those that have not ended
   * when the grace time is over are interrupted: one that ends within the following second is
   * settled if it returned and given back if it threw; of one that goes on, nothing is given back
   * while it runs, and its message comes back when its lease ends.
   *
   * <p>Called by a handler or another callback of the worker, it returns at once and the worker
   * drains by itself. When the calling thread is interrupted, the grace time ends there and then;
   * the flag stays set.
   *
   * @param how what is done about running handlers, for instance another one for a machine that
   *     will be gone in a minute than for a deployment
   */
  public void drain(Drain how) {
    boolean first = stopping.begin(how, grace);
    if (first) {
      // Wakes them from their polls, which then bring nothing.
      intakeThreads.forEach(Thread::interrupt);
    }
    if (isOwnThread()) {
      if (first) {
        Thread closer = new Thread(() -> end(how), intakeThreads.get(0).getName() + "-close");
        closer.setDaemon(false);
        closer.start();
      }
    } else if (first) {
      end(how);
    } else {
      terminated.join();
    }
  }

  /** Called by an intake thread once it has ended its work because its queue is closed. */
  private void queueClosed() {
    if (intakes.stream().allMatch(Intake::done) && stopping.begin(drain, grace)) {
      end(drain);
    }
  }

  /** Whether the drain would wait for the calling thread to end. */
  private boolean isOwnThread() {
    Thread caller = Thread.currentThread();
    return caller == ender || intakeThreads.contains(caller) || runners.runOn(caller);
  }

  private void end(Drain how) {
    long began = time.nanoTime();
    ender = Thread.currentThread();
    signals.tell(listener -> listener.drainBegun(how));
    try {
      giveBackWaiting();
      parking.close();
      forEachRun(Run::tellDrain);
      if (stopping.cuts()) {
        runners.forEach(Run::cutShort);
      }
      drainer.await(() -> isIdle() || drainer.wasInterrupted(), grace, time);
      if (!isIdle()) {
        stopping.cut();
        runners.forEach(Run::cutShort);
        drainer.await(this::isIdle, LAST_CALL, time);
      }
      lanes.forEach(lane -> lane.keeper.stop());
      threads.shutdown();
      Thread telling = activity == null ? null : activity.close();
      if (isIdle()) {
        awaitThreads(telling);
      } else {
        LOG.warn(
            "The worker of queue {} is closed with {} deliveries in the hands of handlers that do"
                + " not end, or of a queue that does not answer; they come back when their leases"
                + " end",
            queue.name(),
            used());
      }
    } finally {
      execution.close();
      gates.forget(gateChanged);
      gates.close();
      Duration took = Duration.ofNanos(time.nanoTime() - began);
      int left = isIdle() ? 0 : used();
      signals.tell(listener -> listener.drainEnded(took, left));
      terminated.complete(null);
      ender = null;
      if (drainer.wasInterrupted()) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** The threads have nothing left to do; this only waits for the JVM to take them down. */
  private void awaitThreads(@Nullable Thread telling) {
    try {
      if (telling != null) {
        telling.join(LAST_CALL.toMillis());
      }
      threads.awaitEnd(LAST_CALL);
      for (Thread intakeThread : intakeThreads) {
        if (Thread.currentThread() != intakeThread) {
          intakeThread.join(LAST_CALL.toMillis());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isIdle() {
    return intakes.stream().allMatch(Intake::done)
        && lanes.stream().allMatch(lane -> lane.slots.idle())
        && runners.idle();
  }

  private int used() {
    return lanes.stream().mapToInt(lane -> lane.slots.used()).sum();
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
   * comes after {@link #end} has taken out what waited finds the worker stopping here, and what
   * comes before is found there.
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
