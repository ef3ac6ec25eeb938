package dev.forebay.queue.worker;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.Codec;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.dedup.DedupOptions;
import dev.forebay.queue.dedup.DedupStore;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.spi.Checks;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Describes a worker; {@link #start} makes it. Not thread-safe. */
public final class WorkerBuilder {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  // Read by the worker that is made of it.
  final WorkQueue queue;
  int slots = 1;
  RetryPolicy retry = RetryPolicy.exponential(Duration.ofMillis(200), Duration.ofSeconds(30));
  LeasePolicy leases = LeasePolicy.defaults();
  Duration grace = Duration.ofSeconds(30);
  Duration pollWait = Duration.ofSeconds(5);
  TimeSource time = SystemTimeSource.get();
  boolean platformThreads;
  // Asked in this order before a handler runs.
  final List<Function<StepContext, Step>> steps = new ArrayList<>();
  private @Nullable DecidingHandler<Delivery> handler;

  WorkerBuilder(WorkQueue queue) {
    this.queue = Objects.requireNonNull(queue);
  }

  /**
   * How many handlers run at once, 1 unless set. With virtual threads ten thousand are no burden;
   * without them each one is a thread.
   */
  public WorkerBuilder slots(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("A worker needs at least 1 slot, not " + count);
    }
    slots = count;
    return this;
  }

  /** What failures lead to; five attempts with a backoff of 200 ms to 30 s unless set. */
  public WorkerBuilder retry(RetryPolicy policy) {
    retry = Objects.requireNonNull(policy);
    return this;
  }

  /** How leases are kept; see {@link LeasePolicy#defaults()}. */
  public WorkerBuilder leases(LeasePolicy policy) {
    leases = Objects.requireNonNull(policy);
    return this;
  }

  /** How long running handlers may go on when the worker closes, 30 s unless set. */
  public WorkerBuilder grace(Duration atMost) {
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
  public WorkerBuilder pollWait(Duration atMost) {
    if (atMost.isNegative() || atMost.isZero()) {
      throw new IllegalArgumentException("A poll wait must be positive, not " + atMost);
    }
    pollWait = atMost;
    return this;
  }

  /** Where the time comes from; the same source as the queue's. */
  public WorkerBuilder time(TimeSource source) {
    time = Objects.requireNonNull(source);
    return this;
  }

  /**
   * Runs handlers on platform threads also where the JVM has virtual ones: for handlers that spend
   * their time in native code or compute without a pause, which would keep the few threads that
   * carry the virtual ones from all others.
   */
  public WorkerBuilder platformThreads() {
    platformThreads = true;
    return this;
  }

  /** What runs for each message, on the delivery as it is. */
  public WorkerBuilder handler(Handler<Delivery> toRun) {
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
  public <T> WorkerBuilder handler(Codec<T> codec, Handler<T> toRun) {
    Objects.requireNonNull(toRun);
    return deciding(
        codec,
        (value, context) -> {
          toRun.handle(value, context);
          return Fixed.ACK;
        });
  }

  /** What runs for each message and decides its outcome, on the delivery as it is. */
  public WorkerBuilder deciding(DecidingHandler<Delivery> toRun) {
    return set(Objects.requireNonNull(toRun));
  }

  /**
   * What runs for each message and decides its outcome, on the value in its body; see {@link
   * #handler(Codec, Handler)} for a message without one.
   */
  public <T> WorkerBuilder deciding(Codec<T> codec, DecidingHandler<T> toRun) {
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

  /** Recognises work by {@link DedupOptions#defaults()}; see the other method. */
  public WorkerBuilder dedup(DedupStore store) {
    return dedup(store, DedupOptions.defaults());
  }

  /**
   * Recognises work that is finished or in progress, so that a message delivered again, or a second
   * one with the same dedup id, is acked without running (U2-U4). Equal work in flight in this
   * worker is run once; what another worker has claimed comes again when that claim would end.
   *
   * @param store shared by all workers that are to know of each other; stays the caller's
   */
  public WorkerBuilder dedup(DedupStore store, DedupOptions options) {
    Objects.requireNonNull(store);
    Objects.requireNonNull(options);
    return step(context -> new DedupStep(store, options, retry, context.time(), context.parking()));
  }

  /** Adds a step of a feature's; the order of adding is that of asking. */
  WorkerBuilder step(Function<StepContext, Step> step) {
    steps.add(step);
    return this;
  }

  private WorkerBuilder set(DecidingHandler<Delivery> toRun) {
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
   * @throws IllegalArgumentException when the lease policy asks for a lease that the queue does not
   *     grant (S2)
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
    worker.start();
    return worker;
  }
}
