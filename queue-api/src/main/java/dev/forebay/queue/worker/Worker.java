package dev.forebay.queue.worker;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
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
 *   <li>The process dies: the message comes back by its lease. A message that was delivered more
 *       often than the policy allows is dead-lettered without running it, so one that kills its
 *       process does not do so for ever.
 *   <li>The broker is away: the worker waits and goes on when it is back (S3). The queue is closed:
 *       the worker drains and stops.
 * </ul>
 *
 * <p>Handlers run on virtual threads where the JVM has them, else on platform threads. One more
 * platform thread polls; it keeps the JVM alive until the worker is closed. The worker never closes
 * its queue. Thread-safe.
 */
public final class Worker implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  /** Settlements that may be under way beside the slots, before intake waits for them. */
  private static final int SETTLEMENT_ROOM = 1_000;

  /** For what was interrupted at the end of the grace time to end and be settled (S1). */
  private static final Duration LAST_CALL = Duration.ofSeconds(1);

  private final WorkQueue queue;
  private final TimeSource time;
  private final Duration grace;
  private final Counters counters = new Counters();
  private final AtomicBoolean stopping = new AtomicBoolean();
  private final CompletableFuture<Void> terminated = new CompletableFuture<>();
  private final Waiter drainer = new Waiter();
  private final Slots slots;
  private final LeaseKeeper keeper;
  private final SlotThreads threads;
  private final Parking parking;
  private final Execution execution;
  private final Runners runners;
  private final Intake intake;
  private final Thread intakeThread;

  Worker(WorkerBuilder builder, DecidingHandler<Delivery> handler) {
    queue = builder.queue;
    time = builder.time;
    grace = builder.grace;
    String name = "forebay-worker-" + queue.name();
    Waiter taker = new Waiter();
    slots = new Slots(builder.slots, builder.slots + SETTLEMENT_ROOM, taker, drainer);
    Settler settler = new Settler(queue, builder.retry, slots, counters);
    keeper = new LeaseKeeper(queue, builder.leases, time, counters, this::forEachRun);
    threads = SlotThreads.of(name + "-", builder.slots, builder.platformThreads);
    parking = new Parking(this::startAgain, this::settleParked);
    StepContext context = new StepContext(queue, time, parking, settler, counters);
    execution =
        new Execution(
            handler,
            builder.leases,
            keeper,
            new Steps(builder.steps.stream().map(step -> step.apply(context)).toList()),
            parking,
            settler,
            slots,
            counters,
            stopping,
            this::startAgain);
    runners = new Runners(threads, execution, drainer);
    intake =
        new Intake(
            queue,
            builder.pollWait,
            time,
            slots,
            keeper,
            settler,
            runners,
            stopping,
            taker,
            drainer,
            this::queueClosed);
    intakeThread = new Thread(intake, name);
    intakeThread.setDaemon(false);
  }

  /** Starts to poll. */
  void start() {
    intakeThread.start();
  }

  /** Starts to describe a worker on this queue. */
  public static WorkerBuilder builder(WorkQueue queue) {
    return new WorkerBuilder(queue);
  }

  /** The queue it works on. */
  public WorkQueue queue() {
    return queue;
  }

  /** What it has done so far. */
  public WorkerStats stats() {
    AtomicLong runningNanos = new AtomicLong();
    runners.forEach(run -> runningNanos.addAndGet(run.runningNanos()));
    return counters.snapshot(slots.total(), slots.used(), runningNanos.get());
  }

  /**
   * Drains and stops, within the grace time and one second (S1). Idempotent; a second caller waits
   * for the first.
   *
   * <p>No further polls; what was received but not started is given back at once; running handlers
   * may finish within the grace time, their leases still extended, and are settled. Those that have
   * not ended by then are interrupted: one that ends within the following second is settled if it
   * returned and given back if it threw; of one that goes on, nothing is given back while it runs,
   * and its message comes back when its lease ends.
   *
   * <p>Called by a handler, it returns at once and the worker drains by itself. When the calling
   * thread is interrupted, the grace time ends there and then; the flag stays set.
   */
  @Override
  public void close() {
    boolean first = stopping.compareAndSet(false, true);
    if (first) {
      // Wakes it from its poll, which then brings nothing.
      intakeThread.interrupt();
    }
    if (isHandlerThread()) {
      if (first) {
        Thread closer = new Thread(this::drain, intakeThread.getName() + "-close");
        closer.setDaemon(false);
        closer.start();
      }
    } else if (first) {
      drain();
    } else {
      terminated.join();
    }
  }

  /** Called by the intake thread once it has ended its work. */
  private void queueClosed() {
    if (stopping.compareAndSet(false, true)) {
      drain();
    }
  }

  private boolean isHandlerThread() {
    Thread caller = Thread.currentThread();
    AtomicBoolean found = new AtomicBoolean();
    runners.forEach(
        run -> {
          if (run.isRunningOn(caller)) {
            found.set(true);
          }
        });
    return found.get();
  }

  private void drain() {
    try {
      intake.giveBackWaiting();
      parking.close();
      drainer.await(() -> isIdle() || drainer.wasInterrupted(), grace, time);
      if (!isIdle()) {
        runners.forEach(Run::cutShort);
        drainer.await(this::isIdle, LAST_CALL, time);
      }
      keeper.stop();
      threads.shutdown();
      if (isIdle()) {
        awaitThreads();
      } else {
        LOG.warn(
            "The worker of queue {} is closed with {} deliveries in the hands of handlers that do"
                + " not end, or of a queue that does not answer; they come back when their leases"
                + " end",
            queue.name(),
            slots.used());
      }
    } finally {
      terminated.complete(null);
      if (drainer.wasInterrupted()) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** The threads have nothing left to do; this only waits for the JVM to take them down. */
  private void awaitThreads() {
    try {
      threads.awaitEnd(LAST_CALL);
      if (Thread.currentThread() != intakeThread) {
        intakeThread.join(LAST_CALL.toMillis());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isIdle() {
    return intake.done() && slots.idle() && runners.idle();
  }

  private void forEachRun(Consumer<Run> action) {
    runners.forEach(action);
    parking.forEach(action);
  }

  private void settleParked(Run run, Outcome outcome, SkipReason why) {
    execution.settleParked(run, outcome, why);
  }

  private void startAgain(List<Run> runs) {
    intake.dispatch(runs);
  }
}
