package dev.forebay.queue.worker;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
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
  private final Drain drain;
  private final @Nullable ConcurrencyLimit limit;
  private final String name;
  private final Engine engine;
  private final CompletableFuture<Void> terminated = new CompletableFuture<>();

  /** Drains the worker, and must not wait for that when a listener closes the worker once more. */
  private volatile @Nullable Thread ender;

  Worker(WorkerBuilder builder) {
    queue = builder.queue;
    time = builder.time;
    grace = builder.grace;
    drain = builder.drain;
    limit = builder.limit;
    name = "forebay-worker-" + queue.name();
    engine = new Engine(builder, name, this::queueClosed);
  }

  /** Starts to poll. */
  void start() {
    engine.start();
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
    return engine.queues();
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
    engine.paused.close();
  }

  /** Goes on after {@link #pause}. Idempotent. */
  public void resume() {
    engine.paused.open();
  }

  /** What it has done so far. */
  public WorkerStats stats() {
    return engine.stats();
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
    boolean first = engine.stopping.begin(how, grace);
    if (first) {
      engine.wakePolls();
    }
    if (isOwnThread()) {
      if (first) {
        Thread closer = new Thread(() -> end(how), name + "-close");
        closer.setDaemon(false);
        closer.start();
      }
    } else if (first) {
      end(how);
    } else {
      terminated.join();
    }
  }

  private void queueClosed() {
    if (engine.pollsEnded() && engine.stopping.begin(drain, grace)) {
      end(drain);
    }
  }

  /** Whether the drain would wait for the calling thread to end. */
  private boolean isOwnThread() {
    Thread caller = Thread.currentThread();
    return caller == ender || engine.runsOn(caller);
  }

  private void end(Drain how) {
    Stopping stopping = engine.stopping;
    Waiter drainer = engine.drainer;
    long began = time.nanoTime();
    ender = Thread.currentThread();
    engine.signals.tell(listener -> listener.drainBegun(how));
    try {
      engine.giveBackUnstarted();
      engine.tellDrain();
      if (stopping.cuts()) {
        engine.cutShort();
      }
      drainer.await(() -> engine.isIdle() || drainer.wasInterrupted(), grace, time);
      if (!engine.isIdle()) {
        stopping.cut();
        engine.cutShort();
        drainer.await(engine::isIdle, LAST_CALL, time);
      }
      Thread telling = engine.shutDown();
      if (engine.isIdle()) {
        awaitThreads(telling);
      } else {
        LOG.warn(
            "The worker of queue {} is closed with {} deliveries in the hands of handlers that do"
                + " not end, or of a queue that does not answer; they come back when their leases"
                + " end",
            queue.name(),
            engine.inHand());
      }
    } finally {
      engine.forget();
      Duration took = Duration.ofNanos(time.nanoTime() - began);
      int left = engine.isIdle() ? 0 : engine.inHand();
      engine.signals.tell(listener -> listener.drainEnded(took, left));
      terminated.complete(null);
      ender = null;
      if (drainer.wasInterrupted()) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void awaitThreads(@Nullable Thread telling) {
    try {
      if (telling != null) {
        telling.join(LAST_CALL.toMillis());
      }
      engine.awaitThreads(LAST_CALL);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
