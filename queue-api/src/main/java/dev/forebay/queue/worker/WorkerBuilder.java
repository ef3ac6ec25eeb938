package dev.forebay.queue.worker;

import dev.forebay.queue.Codec;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.dedup.DedupOptions;
import dev.forebay.queue.dedup.DedupStore;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.progress.ProgressStore;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/** Describes a worker; {@link #start} makes it. Not thread-safe. */
public final class WorkerBuilder {

  /** What has waited so long comes before all weights and orders. */
  private static final Duration DEFAULT_AGEING = Duration.ofSeconds(30);

  /** Longer than retries take, and short enough not to pile up what nobody comes back to. */
  private static final Duration DEFAULT_PROGRESS_RETENTION = Duration.ofHours(24);

  static final int PREFETCH_UNSET = -1;

  // Read by the worker that is made of it.
  final WorkQueue queue;
  final List<Plan.Source> sources = new ArrayList<>();
  int slots = 1;
  RetryPolicy retry = RetryPolicy.exponential(Duration.ofMillis(200), Duration.ofSeconds(30));
  LeasePolicy leases = LeasePolicy.defaults();
  Duration grace = Duration.ofSeconds(30);
  Drain drain = Drain.FINISH;
  @Nullable ProgressStore progress;
  Duration progressRetention = DEFAULT_PROGRESS_RETENTION;
  @Nullable ScaleInProtection protection;
  Duration protectionLinger = Duration.ZERO;
  Duration pollWait = Duration.ofSeconds(5);
  TimeSource time = SystemTimeSource.get();
  boolean platformThreads;
  Expiry expiry = Expiry.deadLetter();
  boolean pauseWhenThrottled;
  int prefetch = PREFETCH_UNSET;
  boolean earliestDeadlineFirst;
  boolean strictLanes;
  Duration ageing = DEFAULT_AGEING;
  Permits permits = new Permits(Integer.MAX_VALUE, message -> 0);
  @Nullable ConcurrencyLimit limit;
  final Map<String, Gate> gates = new LinkedHashMap<>();
  final List<WorkerListener> listeners = new ArrayList<>();
  // Asked in this order before a handler runs.
  final List<Function<StepContext, Step>> steps = new ArrayList<>();
  private @Nullable Work work;

  WorkerBuilder(WorkQueue queue) {
    this.queue = Objects.requireNonNull(queue);
    sources.add(new Plan.Source(queue, 1));
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

  /** What a closing worker does about running handlers, {@link Drain#FINISH} unless set. */
  public WorkerBuilder drain(Drain how) {
    drain = Objects.requireNonNull(how);
    return this;
  }

  /** Keeps handlers' progress for a day after it was saved last; see the other method. */
  public WorkerBuilder progress(ProgressStore store) {
    return progress(store, DEFAULT_PROGRESS_RETENTION);
  }

  /**
   * Keeps what handlers save of their progress, so that another attempt goes on from there: {@link
   * HandlerContext#checkpoint}. Forgotten with the ack, kept with a dead letter, which may be
   * redriven. While the store fails work goes on without it.
   *
   * @param store shared by all workers that are to take over from each other; stays the caller's
   * @param retention how long it is kept since it was saved last
   */
  public WorkerBuilder progress(ProgressStore store, Duration retention) {
    if (retention.isNegative() || retention.isZero()) {
      throw new IllegalArgumentException("A retention must be positive, not " + retention);
    }
    progress = Objects.requireNonNull(store);
    progressRetention = retention;
    return this;
  }

  /**
   * Tells an autoscaler when this worker has something in hand, so that it is not taken away.
   *
   * @param hook called on a thread of its own; see there
   * @param idleAfter how long the worker has nothing in hand before it is said to be idle: as long
   *     as the pauses in a trickle of messages that are not to be told
   */
  public WorkerBuilder scaleInProtection(ScaleInProtection hook, Duration idleAfter) {
    if (idleAfter.isNegative()) {
      throw new IllegalArgumentException("A time must not be negative: " + idleAfter);
    }
    protection = Objects.requireNonNull(hook);
    protectionLinger = idleAfter;
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

  /** What becomes of messages whose deadline passed before they ran; {@link Expiry#deadLetter}. */
  public WorkerBuilder expired(Expiry destination) {
    expiry = Objects.requireNonNull(destination);
    return this;
  }

  /**
   * Lets nothing in while this gate is closed (W6); several gates all have to be open. Listeners
   * know it by its number, {@code gate-1} for the first one.
   */
  public WorkerBuilder gate(Gate gate) {
    return gate("gate-" + (gates.size() + 1), gate);
  }

  /**
   * Lets nothing in while this gate is closed (W6), which listeners know by this name.
   *
   * @throws IllegalArgumentException when the name is blank or taken; {@code paused} and {@code
   *     throttled} are the worker's own
   */
  public WorkerBuilder gate(String name, Gate gate) {
    Objects.requireNonNull(gate);
    boolean own = name.equals(Plan.PAUSED) || name.equals(Plan.THROTTLED);
    if (name.isBlank() || own || gates.containsKey(name)) {
      throw new IllegalArgumentException(
          "A gate needs a name of its own, not \"" + name + "\", which is blank or taken.");
    }
    gates.put(name, gate);
    return this;
  }

  /**
   * Stops intake for as long as a throttled handler's downstream asks for ({@link
   * dev.forebay.queue.policy.FailureKind.Throttled}): for a downstream that all messages need.
   * Unless set only the message that met it waits.
   */
  public WorkerBuilder pauseWhenThrottled() {
    pauseWhenThrottled = true;
    return this;
  }

  /**
   * Takes this many messages beyond those that can start, of each queue, so that there is a choice
   * of what comes next and no wait for the next poll; none unless set, or what {@link #lane} and
   * {@link #earliestDeadlineFirst} need. Their leases are kept, and they are given back when the
   * worker closes.
   */
  public WorkerBuilder prefetch(int messages) {
    if (messages < 0) {
      throw new IllegalArgumentException("A prefetch must not be negative: " + messages);
    }
    prefetch = messages;
    return this;
  }

  /**
   * Starts what has the earliest deadline first, among what has been received: as many messages as
   * slots are prefetched, and at least 10, unless {@link #prefetch} says otherwise. Messages
   * without a deadline come last, in their order.
   */
  public WorkerBuilder earliestDeadlineFirst() {
    earliestDeadlineFirst = true;
    return this;
  }

  /**
   * Works on this queue too (its own leases, retries and dead letters), with so many turns for each
   * one of the first queue, whose weight is 1. Of each queue as many messages as its weight are
   * prefetched, 100 at most, unless {@link #prefetch} says otherwise: with fewer waiting a queue
   * whose handlers are quicker than its polls misses turns. With {@link #strictLanes} it is one.
   */
  public WorkerBuilder lane(WorkQueue other, int weight) {
    if (weight < 1 || weight > 1_000) {
      throw new IllegalArgumentException("A lane's weight is 1 to 1,000, not " + weight);
    }
    sources.add(new Plan.Source(Objects.requireNonNull(other), weight));
    return this;
  }

  /** Takes the turns of lanes strictly in the order they were added, whatever their weights. */
  public WorkerBuilder strictLanes() {
    strictLanes = true;
    return this;
  }

  /**
   * Lets what has waited this long since its receipt go before all weights and orders of lanes, 30
   * s unless set, so that no lane starves.
   */
  public WorkerBuilder ageing(Duration atMost) {
    if (atMost.isNegative() || atMost.compareTo(Duration.ofDays(365)) > 0) {
      throw new IllegalArgumentException("Ageing is 0 to 365 days, not " + atMost);
    }
    ageing = atMost;
    return this;
  }

  /**
   * Runs at once only what costs so many permits together, for instance tokens or megabytes of GPU
   * memory, in addition to the bound by {@link #slots}. A message waits, its lease kept, until it
   * fits; one that costs more than all runs alone.
   *
   * @param cost quick and thread-safe; what it throws is logged and counts as 1
   */
  public WorkerBuilder permits(int total, ToIntFunction<Message> cost) {
    if (total < 1) {
      throw new IllegalArgumentException("There must be at least 1 permit, not " + total);
    }
    permits = new Permits(total, Objects.requireNonNull(cost));
    return this;
  }

  /** Runs no more at once than this limit says, which learns from how handlers fare (W6). */
  public WorkerBuilder concurrencyLimit(ConcurrencyLimit adaptive) {
    limit = Objects.requireNonNull(adaptive);
    return this;
  }

  /**
   * Sends messages of a type whose breaker is open to the slow lane, another queue, with the header
   * {@link TypeBreaker#CAUSE_HEADER}, and acks them here once they are stored there (W4). When the
   * slow lane is down they are given back and come again. A message that it can never take, being
   * too large for it or having all the headers that it carries, runs here although the breaker is
   * open.
   */
  public WorkerBuilder breaker(TypeBreaker breaker, WorkQueue slowLane) {
    Objects.requireNonNull(breaker);
    Objects.requireNonNull(slowLane);
    return step(context -> new BreakerStep(breaker, slowLane, context));
  }

  /** Tells this of everything the worker does (W7); may be called several times. */
  public WorkerBuilder listener(WorkerListener listener) {
    listeners.add(Objects.requireNonNull(listener));
    return this;
  }

  /** What runs for each message, on the delivery as it is. */
  public WorkerBuilder handler(Handler<Delivery> toRun) {
    return set(Work.each(Work.acking(toRun)));
  }

  /**
   * What runs for each message, on the value in its body. A message without one goes to the dead
   * letters at once, since another attempt would read the same bytes (P5).
   */
  public <T> WorkerBuilder handler(Codec<T> codec, Handler<T> toRun) {
    return set(Work.each(codec, Work.acking(toRun)));
  }

  /** What runs for each message and decides its outcome, on the delivery as it is. */
  public WorkerBuilder deciding(DecidingHandler<Delivery> toRun) {
    return set(Work.each(toRun));
  }

  /**
   * What runs for each message and decides its outcome, on the value in its body; see {@link
   * #handler(Codec, Handler)} for a message without one.
   */
  public <T> WorkerBuilder deciding(Codec<T> codec, DecidingHandler<T> toRun) {
    return set(Work.each(codec, toRun));
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
    return step(context -> new DedupStep(store, options, context));
  }

  /**
   * What runs for several messages at once, on the deliveries as they are (W3). The worker then
   * runs as many batches at once as it has slots, and holds up to two batches of messages for each.
   */
  public WorkerBuilder batches(BatchOptions options, BatchHandler<Delivery> toRun) {
    return set(Work.batches(options, toRun));
  }

  /** What runs for several messages at once, on the values in their bodies; see above. */
  public <T> WorkerBuilder batches(BatchOptions options, Codec<T> codec, BatchHandler<T> toRun) {
    return set(Work.batches(options, codec, toRun));
  }

  /** Adds a step of a feature's; the order of adding is that of asking. */
  WorkerBuilder step(Function<StepContext, Step> step) {
    steps.add(step);
    return this;
  }

  private WorkerBuilder set(Work toRun) {
    if (work != null) {
      throw new IllegalStateException("The worker has a handler already; it can run only one.");
    }
    work = toRun;
    return this;
  }

  /** What is to run. */
  Work work() {
    if (work == null) {
      throw new IllegalStateException(
          "The worker has nothing to run. Set a handler before starting it.");
    }
    return work;
  }

  /**
   * Starts the worker.
   *
   * @throws IllegalStateException when no handler was set, or settings contradict each other
   * @throws IllegalArgumentException when the lease policy asks for a lease that the queue does not
   *     grant (S2)
   */
  public Worker start() {
    new Plan(this).check();
    Worker worker = new Worker(this);
    worker.start();
    return worker;
  }
}
