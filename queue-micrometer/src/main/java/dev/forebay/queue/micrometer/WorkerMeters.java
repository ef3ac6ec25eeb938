package dev.forebay.queue.micrometer;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.worker.BreakerState;
import dev.forebay.queue.worker.DuplicateKind;
import dev.forebay.queue.worker.HandlerEnd;
import dev.forebay.queue.worker.SkipReason;
import dev.forebay.queue.worker.Worker;
import dev.forebay.queue.worker.WorkerListener;
import io.micrometer.core.instrument.Counter;
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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a worker does, as meters (W7).
 *
 * <pre>{@code
 * WorkerMeters meters = WorkerMeters.builder(registry, queue.name()).build();
 * Worker worker = Worker.builder(queue).listener(meters).handler(...).start();
 * meters.bind(worker);
 * }</pre>
 *
 * <p>All names begin with {@code forebay.worker.} and all meters have the label {@code queue}:
 *
 * <ul>
 *   <li>timers {@code message.age} (at the start of the handler), {@code queue.to.start}, {@code
 *       handler} (label {@code end}), {@code lease.margin} (what was left at each extension);
 *   <li>counters {@code received}, {@code skipped} (label {@code reason}; {@code duplicate} among
 *       them), {@code duplicates} (label {@code work}: {@code finished} or {@code in_flight}),
 *       {@code retried}, {@code throttled}, {@code returned}, {@code dead.lettered} (label {@code
 *       cause}), {@code unsettled} (label {@code result}), {@code leases.lost}, {@code wasted} in
 *       seconds;
 *   <li>gauges {@code breaker} (label {@code type}; 0 closed, 1 half open, 2 open), {@code gate}
 *       (label {@code gate}; 1 open, 0 closed), {@code intake.stopped} (0 or 1) and, once bound,
 *       {@code slots}, {@code in.flight}, {@code backlog}, {@code oldest.age} and {@code drain} in
 *       seconds, {@code desired.workers}; with a concurrency limit {@code limit}, what may run now,
 *       and {@code limit.estimate}, what it has worked out, also in the shadow.
 * </ul>
 *
 * <p>Timers of handlers have the label {@code type} too. Types and causes come from messages and
 * code, so only the first 20 of each, or as many as set, are told apart; the rest is {@code other}.
 *
 * <p>Thread-safe. Nothing here asks the broker, except the gauges about the backlog, at most once
 * in ten seconds, on the thread that reads them.
 */
public final class WorkerMeters implements WorkerListener {

  private static final String PREFIX = "forebay.worker.";
  private static final String SECONDS = "seconds";
  private static final String NO_TYPE = "none";

  private final MeterRegistry registry;
  private final Tags tags;
  private final Labels types;
  private final Labels causes;
  private final Duration acceptableAge;
  private final Labels gateNames;
  private final Map<String, AtomicInteger> breakers = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> gates = new ConcurrentHashMap<>();
  private final AtomicInteger intakeStopped = new AtomicInteger();

  private final Counter received;
  private final Counter retried;
  private final Counter throttled;
  private final Counter returned;
  private final Counter leasesLost;
  private final Counter wasted;
  private final Timer leaseMargin;

  private WorkerMeters(Builder builder) {
    registry = builder.registry;
    tags = Tags.of("queue", builder.queue);
    types = new Labels(builder.maxLabels);
    causes = new Labels(builder.maxLabels);
    gateNames = new Labels(builder.maxLabels);
    acceptableAge = builder.acceptableAge;
    received = counter("received");
    retried = counter("retried");
    throttled = counter("throttled");
    returned = counter("returned");
    leasesLost = counter("leases.lost");
    wasted = Counter.builder(PREFIX + "wasted").baseUnit(SECONDS).tags(tags).register(registry);
    leaseMargin = Timer.builder(PREFIX + "lease.margin").tags(tags).register(registry);
    Gauge.builder(PREFIX + "intake.stopped", intakeStopped, AtomicInteger::get)
        .tags(tags)
        .register(registry);
  }

  /**
   * Starts to describe meters.
   *
   * @param queue the value of their label {@code queue}
   */
  public static Builder builder(MeterRegistry registry, String queue) {
    return new Builder(registry, queue);
  }

  private Counter counter(String name, String... labels) {
    return registry.counter(PREFIX + name, tags.and(labels));
  }

  private Timer timer(String name, Delivery delivery, String... labels) {
    String type = types.of(delivery.message().type().orElse(NO_TYPE));
    return registry.timer(PREFIX + name, tags.and("type", type).and(labels));
  }

  private static String label(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /** Adds the gauges that are read from a worker and its queue. */
  public void bind(Worker worker) {
    Backlog backlog = new Backlog(worker, acceptableAge);
    gauge("slots", () -> worker.stats().slots(), null);
    gauge("in.flight", () -> worker.stats().running(), null);
    worker
        .concurrencyLimit()
        .ifPresent(
            limit -> {
              gauge("limit", () -> Math.min(worker.stats().slots(), limit.limit()), null);
              gauge("limit.estimate", limit::estimate, null);
            });
    gauge("backlog", backlog::messages, null);
    gauge("oldest.age", backlog::oldestAgeSeconds, SECONDS);
    gauge("desired.workers", backlog::desiredWorkers, null);
    gauge("drain", backlog::drainSeconds, SECONDS);
  }

  private void gauge(String name, Supplier<Number> value, @Nullable String unit) {
    Gauge.builder(PREFIX + name, value).tags(tags).baseUnit(unit).register(registry);
  }

  @Override
  public void received(Delivery delivery) {
    received.increment();
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
    if (end == HandlerEnd.LEASE_LOST) {
      wasted.increment(ran.toNanos() / 1e9);
    }
  }

  @Override
  public void skipped(Delivery delivery, SkipReason why) {
    counter("skipped", "reason", label(why)).increment();
  }

  @Override
  public void retried(Delivery delivery, Duration after) {
    retried.increment();
  }

  @Override
  public void throttled(Delivery delivery, Duration after) {
    throttled.increment();
  }

  @Override
  public void returned(Delivery delivery) {
    returned.increment();
  }

  @Override
  public void deadLettered(Delivery delivery, DeadLetterCause cause) {
    counter("dead.lettered", "cause", causes.of(cause.type())).increment();
  }

  @Override
  public void unsettled(Delivery delivery, Settlement result) {
    counter("unsettled", "result", label(result)).increment();
  }

  @Override
  public void leaseLost(Delivery delivery) {
    leasesLost.increment();
  }

  @Override
  public void extended(Delivery delivery, Duration margin) {
    leaseMargin.record(margin);
  }

  @Override
  public void duplicate(Delivery delivery, DuplicateKind kind) {
    counter("duplicates", "work", label(kind)).increment();
  }

  @Override
  public void intakeStopped() {
    intakeStopped.set(1);
  }

  @Override
  public void intakeResumed() {
    intakeStopped.set(0);
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
          Gauge.builder(PREFIX + name, now, AtomicInteger::get)
              .tags(tags.and(key, label))
              .register(registry);
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
