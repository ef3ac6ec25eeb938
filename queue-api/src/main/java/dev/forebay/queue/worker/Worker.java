package dev.forebay.queue.worker;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.Codec;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.spi.Checks;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
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
  private final Runners runners;
  private final Intake intake;
  private final Thread intakeThread;

  private Worker(Builder builder, DecidingHandler<Delivery> handler) {
    queue = builder.queue;
    time = builder.time;
    grace = builder.grace;
    String name = "forebay-worker-" + queue.name();
    Waiter taker = new Waiter();
    slots = new Slots(builder.slots, builder.slots + SETTLEMENT_ROOM, taker, drainer);
    Settler settler = new Settler(queue, builder.retry, slots, counters);
    keeper = new LeaseKeeper(queue, builder.leases, time, counters, this::forEachRun);
    threads = SlotThreads.of(name + "-", builder.slots, builder.platformThreads);
    Execution execution =
        new Execution(
            handler, builder.leases, keeper, settler, slots, counters, stopping, this::startAgain);
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

  /** Starts to describe a worker on this queue. */
  public static Builder builder(WorkQueue queue) {
    return new Builder(queue);
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
  }

  private void startAgain(List<Run> runs) {
    intake.dispatch(runs);
  }

  /** Describes a worker; {@link #start} makes it. Not thread-safe. */
  public static final class Builder {

    private final WorkQueue queue;
    private int slots = 1;
    private RetryPolicy retry =
        RetryPolicy.exponential(Duration.ofMillis(200), Duration.ofSeconds(30));
    private LeasePolicy leases = LeasePolicy.defaults();
    private Duration grace = Duration.ofSeconds(30);
    private Duration pollWait = Duration.ofSeconds(5);
    private TimeSource time = SystemTimeSource.get();
    private boolean platformThreads;
    private @Nullable DecidingHandler<Delivery> handler;

    private Builder(WorkQueue queue) {
      this.queue = Objects.requireNonNull(queue);
    }

    /**
     * How many handlers run at once, 1 unless set. With virtual threads ten thousand are no burden;
     * without them each one is a thread.
     */
    public Builder slots(int count) {
      if (count < 1) {
        throw new IllegalArgumentException("A worker needs at least 1 slot, not " + count);
      }
      slots = count;
      return this;
    }

    /** What failures lead to; five attempts with a backoff of 200 ms to 30 s unless set. */
    public Builder retry(RetryPolicy policy) {
      retry = Objects.requireNonNull(policy);
      return this;
    }

    /** How leases are kept; see {@link LeasePolicy#defaults()}. */
    public Builder leases(LeasePolicy policy) {
      leases = Objects.requireNonNull(policy);
      return this;
    }

    /** How long running handlers may go on when the worker closes, 30 s unless set. */
    public Builder grace(Duration atMost) {
      if (atMost.isNegative()) {
        throw new IllegalArgumentException("A grace time must not be negative: " + atMost);
      }
      grace = atMost;
      return this;
    }

    /**
     * How long one poll waits for a message, 5 s unless set. A message that comes is taken at once
     * whatever the wait; closing does not wait for it either, where the queue keeps P1.
     */
    public Builder pollWait(Duration atMost) {
      if (atMost.isNegative() || atMost.isZero()) {
        throw new IllegalArgumentException("A poll wait must be positive, not " + atMost);
      }
      pollWait = atMost;
      return this;
    }

    /** Where the time comes from; the same source as the queue's. */
    public Builder time(TimeSource source) {
      time = Objects.requireNonNull(source);
      return this;
    }

    /**
     * Runs handlers on platform threads also where the JVM has virtual ones: for handlers that
     * spend their time in native code or compute without a pause, which would keep the few threads
     * that carry the virtual ones from all others.
     */
    public Builder platformThreads() {
      platformThreads = true;
      return this;
    }

    /** What runs for each message, on the delivery as it is. */
    public Builder handler(Handler<Delivery> toRun) {
      Objects.requireNonNull(toRun);
      return set(
          (delivery, context) -> {
            toRun.handle(delivery, context);
            return Fixed.ACK;
          });
    }

    /**
     * What runs for each message, on the value in its body. A message without one goes to the dead
     * letters at once, since another attempt would read the same bytes (P5).
     */
    public <T> Builder handler(Codec<T> codec, Handler<T> toRun) {
      Objects.requireNonNull(toRun);
      return deciding(
          codec,
          (value, context) -> {
            toRun.handle(value, context);
            return Fixed.ACK;
          });
    }

    /** What runs for each message and decides its outcome, on the delivery as it is. */
    public Builder deciding(DecidingHandler<Delivery> toRun) {
      return set(Objects.requireNonNull(toRun));
    }

    /**
     * What runs for each message and decides its outcome, on the value in its body; see {@link
     * #handler(Codec, Handler)} for a message without one.
     */
    public <T> Builder deciding(Codec<T> codec, DecidingHandler<T> toRun) {
      Objects.requireNonNull(codec);
      Objects.requireNonNull(toRun);
      return set(
          (delivery, context) -> {
            T value;
            try {
              value = codec.decode(delivery.message());
            } catch (QueueException e) {
              if (e.code() != ErrorCode.INVALID_MESSAGE) {
                throw e;
              }
              return Outcome.deadLetter(
                  new DeadLetterCause(DeadLetterCause.UNDECODABLE, String.valueOf(e.getMessage())));
            }
            return toRun.handle(value, context);
          });
    }

    private Builder set(DecidingHandler<Delivery> toRun) {
      if (handler != null) {
        throw new IllegalStateException("The worker has a handler already; it can run only one.");
      }
      handler = toRun;
      return this;
    }

    /**
     * Starts the worker.
     *
     * @throws IllegalStateException when no handler was set
     * @throws IllegalArgumentException when the lease policy asks for a lease that the queue does
     *     not grant (S2)
     */
    public Worker start() {
      if (handler == null) {
        throw new IllegalStateException(
            "The worker has nothing to run. Set a handler before starting it.");
      }
      Capabilities can = queue.capabilities();
      leases.lease().ifPresent(lease -> Checks.lease(lease, can));
      if (!can.deadLetters()) {
        LOG.warn(
            "Queue {} has no dead-letter destination: messages that cannot be handled are retried"
                + " for ever. Set one in the queue's builder.",
            queue.name());
      }
      Worker worker = new Worker(this, handler);
      worker.intakeThread.start();
      return worker;
    }
  }
}
