package dev.forebay.queue.micrometer;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.worker.BreakerState;
import dev.forebay.queue.worker.Drain;
import dev.forebay.queue.worker.DuplicateKind;
import dev.forebay.queue.worker.HandlerEnd;
import dev.forebay.queue.worker.SkipReason;
import dev.forebay.queue.worker.StoreKind;
import dev.forebay.queue.worker.Worker;
import dev.forebay.queue.worker.WorkerListener;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What a worker does, as meters (W7).
 *
 * <pre>{@code
 * WorkerMeters meters = WorkerMeters.builder(registry, queue.name()).build();
 * Worker worker = Worker.builder(queue).listener(meters).handler(...).start();
 * WorkerMeters.Binding binding = meters.bind(worker);
 * }</pre>
 *
 * <p>All names begin with {@code forebay.worker.} and all meters have the label {@code queue}.
 * Where they are about deliveries it is the name of the queue that a delivery came from, so that
 * the lanes of a worker can be told apart:
 *
 * <ul>
 *   <li>timers {@code message.age} (at the start of the handler), {@code queue.to.start}, {@code
 *       handler} (label {@code end}), {@code lease.margin} (what was left at each extension);
 *   <li>counters {@code received}, {@code duplicates} (label {@code work}: {@code finished} or
 *       {@code in_flight}), {@code leases.lost}, {@code extensions.failed}, {@code wasted} in
 *       seconds (handlers whose lease was lost before they were settled, once they have ended);
 *   <li>counters of what the queue has confirmed: {@code acked}, {@code retried}, {@code
 *       throttled}, {@code returned}, {@code dead.lettered} (label {@code cause}), {@code skipped}
 *       (label {@code reason}; {@code duplicate} among them); and {@code unsettled} (label {@code
 *       result}) of what it has not;
 *   <li>the distribution summary {@code attempts} (label {@code cause}: {@code failed}, {@code
 *       lease_lost} or {@code returned}): how often each delivery had come before and ended so, as
 *       far as the backend can tell, recorded when it is received. Its mean says how much work is
 *       done again and why, its maximum shows a message that goes round.
 * </ul>
 *
 * <p>Where they are about the worker it is the name given to the {@link #builder}:
 *
 * <ul>
 *   <li>gauges {@code breaker} (label {@code type}; 0 closed, 1 half open, 2 open), {@code gate}
 *       (label {@code gate}; 1 open, 0 closed), {@code store} (label {@code store}; 1 works, 0
 *       down; there once it was down), {@code intake.stopped} and {@code draining} (how many lanes'
 *       intake is stopped, how many workers drain);
 *   <li>timer {@code drained}: how long draining took;
 *   <li>gauges over all workers that are {@link #bind bound} and have not ended: {@code slots},
 *       {@code concurrency} (what may run at once as things are), {@code in.flight}, {@code hung}
 *       (handlers that run on without their lease), {@code backlog} and {@code oldest.age} of all
 *       their queues, {@code drain} (how long they need for the backlog, in seconds), {@code
 *       desired.workers}; with a concurrency limit {@code limit}, what may run by it now, and
 *       {@code limit.estimate}, what it has worked out, also in the shadow.
 * </ul>
 *
 * <p>Timers of handlers have the label {@code type} too. Types and causes come from messages and
 * code, so only the first 20 of each, or as many as set, are told apart; the rest is {@code other}.
 *
 * <p>Thread-safe. Nothing here asks the broker, except the gauges about the backlog, at most once
 * in ten seconds, on the thread that reads them.
 */
public final class WorkerMeters implements WorkerListener {

  static final String PREFIX = "forebay.worker.";
  static final String QUEUE = "queue";
  static final String SECONDS = "seconds";
  private static final String NO_TYPE = "none";

  private final MeterRegistry registry;
  private final Tags tags;
  private final Labels types;
  private final Labels causes;
  private final Labels gateNames;
  private final WorkerGauges gauges;
  private final Map<String, QueueMeters> queues = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> breakers = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> gates = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> stores = new ConcurrentHashMap<>();
  private final AtomicInteger intakeStopped = new AtomicInteger();
  private final AtomicInteger draining = new AtomicInteger();
  private final Timer drained;

  private WorkerMeters(Builder builder) {
    registry = builder.registry;
    tags = Tags.of(QUEUE, builder.queue);
    types = new Labels(builder.maxLabels);
    causes = new Labels(builder.maxLabels);
    gateNames = new Labels(builder.maxLabels);
    gauges = new WorkerGauges(registry, tags, builder.acceptableAge);
    drained = registry.timer(PREFIX + "drained", tags);
    gauge("intake.stopped", tags, intakeStopped);
    gauge("draining", tags, draining);
  }

  /**
   * Starts to describe meters.
   *
   * @param queue the value of the label {@code queue} where a meter is about the worker; its
   *     queue's name, or with lanes the first one's
   */
  public static Builder builder(MeterRegistry registry, String queue) {
    return new Builder(registry, queue);
  }

  private void gauge(String name, Tags labels, AtomicInteger state) {
    Gauge unused = WorkerGauges.register(registry, name, labels, state::get, null);
  }

  /** There are as many as queues of the workers; their names come from no message. */
  private QueueMeters of(String queue) {
    QueueMeters known = queues.get(queue);
    return known != null
        ? known
        : queues.computeIfAbsent(queue, name -> new QueueMeters(registry, name));
  }

  private QueueMeters of(Delivery delivery) {
    return of(delivery.queue().name());
  }

  private Timer timer(String name, Delivery delivery, String... labels) {
    String type = types.of(delivery.message().type().orElse(NO_TYPE));
    return of(delivery).timer(name, type, labels);
  }

  private static String label(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /**
   * Adds the gauges that are read from a worker and its queues, until the binding is closed.
   * Several workers in one process, of one builder's name, are bound to one of these, whose gauges
   * then show their sum; where two of these of the same registry and name have workers bound, the
   * gauges are the later one's.
   *
   * @return what ends it; a worker that has ended is let go in any case
   */
  public Binding bind(Worker worker) {
    worker.queues().forEach(queue -> of(queue.name()));
    gauges.add(worker);
    return new Binding(gauges, worker);
  }

  /**
   * A worker whose gauges are in a registry, until this is closed; with the last one they are
   * removed. Closing it again has no effect. Thread-safe.
   */
  public static final class Binding implements AutoCloseable {

    private final WorkerGauges gauges;
    private final Worker worker;

    private Binding(WorkerGauges gauges, Worker worker) {
      this.gauges = gauges;
      this.worker = worker;
    }

    /** The gauges are no longer read from the worker. */
    @Override
    public void close() {
      gauges.remove(worker);
    }
  }

  @Override
  public void received(Delivery delivery) {
    of(delivery).received(delivery);
  }

  @Override
  public void started(Delivery delivery, Duration age, Duration waited) {
    timer("message.age", delivery).record(age);
    timer("queue.to.start", delivery).record(waited);
  }

  @Override
  public void finished(
      Delivery delivery, HandlerEnd end, Duration ran, @Nullable Throwable failure) {
    timer("handler", delivery, "end", label(end)).record(ran);
  }

  @Override
  public void wasted(Delivery delivery, Duration ran) {
    of(delivery).wasted.increment(ran.toNanos() / 1e9);
  }

  @Override
  public void skipped(Delivery delivery, SkipReason why) {
    of(delivery).counter("skipped", "reason", label(why)).increment();
  }

  @Override
  public void acked(Delivery delivery) {
    of(delivery).acked.increment();
  }

  @Override
  public void retried(Delivery delivery, Duration after) {
    of(delivery).retried.increment();
  }

  @Override
  public void throttled(Delivery delivery, Duration after) {
    of(delivery).throttled.increment();
  }

  @Override
  public void returned(Delivery delivery) {
    of(delivery).returned.increment();
  }

  @Override
  public void deadLettered(Delivery delivery, DeadLetterCause cause) {
    of(delivery).counter("dead.lettered", "cause", causes.of(cause.type())).increment();
  }

  @Override
  public void unsettled(Delivery delivery, Settlement result) {
    of(delivery).counter("unsettled", "result", label(result)).increment();
  }

  @Override
  public void leaseLost(Delivery delivery) {
    of(delivery).leasesLost.increment();
  }

  @Override
  public void extended(Delivery delivery, Duration margin) {
    of(delivery).leaseMargin.record(margin);
  }

  @Override
  public void extensionFailed(Delivery delivery, @Nullable Throwable failure) {
    of(delivery).extensionsFailed.increment();
  }

  @Override
  public void duplicate(Delivery delivery, DuplicateKind kind) {
    of(delivery).counter("duplicates", "work", label(kind)).increment();
  }

  @Override
  public void intakeStopped() {
    intakeStopped.incrementAndGet();
  }

  @Override
  public void intakeResumed() {
    intakeStopped.decrementAndGet();
  }

  @Override
  public void drainBegun(Drain how) {
    draining.incrementAndGet();
  }

  @Override
  public void drainEnded(Duration took, int left) {
    draining.decrementAndGet();
    drained.record(took);
  }

  @Override
  public void storeDown(StoreKind store, @Nullable Throwable failure) {
    state(stores, "store", "store", label(store)).set(0);
  }

  @Override
  public void storeUp(StoreKind store) {
    state(stores, "store", "store", label(store)).set(1);
  }

  @Override
  public void breakerChanged(String type, BreakerState state) {
    state(breakers, "breaker", "type", types.of(type.isEmpty() ? NO_TYPE : type))
        .set(
            switch (state) {
              case CLOSED -> 0;
              case HALF_OPEN -> 1;
              case OPEN -> 2;
            });
  }

  @Override
  public void gate(String name, boolean open) {
    state(gates, "gate", "gate", gateNames.of(name)).set(open ? 1 : 0);
  }

  private AtomicInteger state(
      Map<String, AtomicInteger> states, String name, String key, String value) {
    return states.computeIfAbsent(
        value,
        label -> {
          AtomicInteger now = new AtomicInteger();
          gauge(name, tags.and(key, label), now);
          return now;
        });
  }

  /** Describes meters; {@link #build} makes them. Not thread-safe. */
  public static final class Builder {

    private final MeterRegistry registry;
    private final String queue;
    private int maxLabels = 20;
    private Duration acceptableAge = Duration.ofSeconds(30);

    private Builder(MeterRegistry registry, String queue) {
      this.registry = Objects.requireNonNull(registry);
      this.queue = Objects.requireNonNull(queue);
    }

    /** How many message types, and how many causes, are told apart; 20 unless set. */
    public Builder maxLabels(int count) {
      if (count < 0) {
        throw new IllegalArgumentException("A number of labels must not be negative: " + count);
      }
      maxLabels = count;
      return this;
    }

    /**
     * How old a message may be when its turn comes, 30 s unless set: what {@code desired.workers}
     * is worked out for.
     */
    public Builder acceptableAge(Duration age) {
      if (age.isNegative() || age.isZero()) {
        throw new IllegalArgumentException("An acceptable age must be positive, not " + age);
      }
      acceptableAge = age;
      return this;
    }

    /** Makes the meters. */
    public WorkerMeters build() {
      return new WorkerMeters(this);
    }
  }
}
