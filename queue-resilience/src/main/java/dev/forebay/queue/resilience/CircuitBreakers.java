package dev.forebay.queue.resilience;

import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import dev.forebay.queue.worker.BreakerState;
import dev.forebay.queue.worker.TypeBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A circuit breaker for each message type, by Resilience4j (W4): after five failures of a type in a
 * row its messages go to the slow lane; after 30 s one of them runs as a probe, and if that is done
 * all of them run again.
 *
 * <pre>{@code
 * Worker worker =
 *     Worker.builder(queue).breaker(CircuitBreakers.create(), slowLane).handler(...).start();
 * }</pre>
 *
 * <p>What counts: a handler that fails, for good or not, and one that asks for another attempt. One
 * that is done ends the row. Neither counts nor ends it: what was throttled, given back,
 * interrupted by a closing worker or by the loss of its lease, dead-lettered by the handler, or
 * poison, which is the message's own fault. Ends are counted in the order in which handlers end. Of
 * those that started before a type's breaker opened, none decides about it while it is half open.
 *
 * <p>Only types that have failed since they were last done take room, and at most 1,000 of them or
 * as many as set: beyond that the least recently used is forgotten, one that is closed if there is
 * one. What is forgotten is closed, and begins to count anew.
 *
 * <p>One object may serve several workers, which then learn from each other. Thread-safe; it has no
 * threads of its own.
 */
public final class CircuitBreakers implements TypeBreaker {

  private static final Logger LOG = LoggerFactory.getLogger(CircuitBreakers.class);

  /** How long a handler runs says nothing against it: slow calls, another feature, are off. */
  private static final Duration NEVER_SLOW = Duration.ofDays(36_500);

  private final TimeSource time;
  private final Duration probeAfter;
  private final int maxTypes;
  private final CircuitBreakerConfig config;
  private final ConcurrentMap<String, Guard> guards = new ConcurrentHashMap<>();
  private final List<BiConsumer<String, BreakerState>> listeners = new CopyOnWriteArrayList<>();
  private final Object adding = new Object();

  private CircuitBreakers(Builder builder) {
    time = builder.time;
    probeAfter = builder.probeAfter;
    maxTypes = builder.maxTypes;
    // All of the last n calls failed: that is n failures in a row. One success among them makes it
    // less than all, until n more have failed.
    config =
        CircuitBreakerConfig.custom()
            .slidingWindow(
                builder.failures,
                builder.failures,
                CircuitBreakerConfig.SlidingWindowType.COUNT_BASED)
            .failureRateThreshold(100)
            .slowCallDurationThreshold(NEVER_SLOW)
            .waitDurationInOpenState(probeAfter)
            .permittedNumberOfCallsInHalfOpenState(1)
            .automaticTransitionFromOpenToHalfOpenEnabled(false)
            .clock(new MonotonicClock(time))
            .currentTimestampFunction(clock -> time.nanoTime(), TimeUnit.NANOSECONDS)
            .build();
  }

  /** Breakers that open after five failures in a row and probe after 30 s. */
  public static CircuitBreakers create() {
    return builder().build();
  }

  /** Starts to describe breakers. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public boolean tryStart(String type) {
    Guard guard = guards.get(type);
    return guard == null || guard.tryStart();
  }

  @Override
  public void succeeded(String type, Duration ran) {
    Guard guard = guards.get(type);
    if (guard != null && guard.succeeded(ran)) {
      guards.remove(type, guard);
    }
  }

  @Override
  public void failed(String type, Duration ran) {
    boolean counted = false;
    while (!counted) {
      Guard guard = guards.get(type);
      // A success, or the bound, may have ended it meanwhile.
      counted = (guard == null ? add(type) : guard).failed(ran);
    }
  }

  @Override
  public void cancelled(String type, Duration ago) {
    Guard guard = guards.get(type);
    if (guard != null) {
      guard.cancelled(ago);
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>Open until the first message after the wait is there to be the probe.
   */
  @Override
  public BreakerState state(String type) {
    Guard guard = guards.get(type);
    return guard == null ? BreakerState.CLOSED : guard.state();
  }

  @Override
  public void onChange(BiConsumer<String, BreakerState> listener) {
    listeners.add(Objects.requireNonNull(listener));
    guards.values().forEach(guard -> guard.tellIfNotClosed(listener));
  }

  @Override
  public void forget(BiConsumer<String, BreakerState> listener) {
    listeners.remove(listener);
  }

  /** How many types take room. */
  int size() {
    return guards.size();
  }

  private Guard add(String type) {
    Guard added;
    Guard forgotten;
    synchronized (adding) {
      Guard there = guards.get(type);
      if (there != null) {
        return there;
      }
      forgotten = guards.size() < maxTypes ? null : removeOne();
      added = new Guard(type, config, probeAfter, time, this::tell);
      guards.put(type, added);
    }
    if (forgotten != null) {
      // It tells listeners, which must not meet the lock.
      forgotten.end();
    }
    return added;
  }

  private @Nullable Guard removeOne() {
    Guard chosen = null;
    for (Guard guard : guards.values()) {
      if (chosen == null || guard.goesBefore(chosen)) {
        chosen = guard;
      }
    }
    if (chosen != null) {
      guards.remove(chosen.type(), chosen);
    }
    return chosen;
  }

  private void tell(String type, BreakerState state) {
    for (BiConsumer<String, BreakerState> listener : listeners) {
      tell(listener, type, state);
    }
  }

  /** Tells one listener and keeps its failures from whoever changed the state. */
  static void tell(BiConsumer<String, BreakerState> listener, String type, BreakerState state) {
    try {
      listener.accept(type, state);
    } catch (RuntimeException e) {
      LOG.warn("A listener of a breaker failed; the breaker goes on", e);
    }
  }

  /** Describes breakers; {@link #build} makes them. Not thread-safe. */
  public static final class Builder {

    private static final int MOST_FAILURES = 10_000;

    private int failures = 5;
    private Duration probeAfter = Duration.ofSeconds(30);
    private int maxTypes = 1_000;
    private TimeSource time = SystemTimeSource.get();

    private Builder() {}

    /** How many failures in a row open a breaker, 5 unless set. */
    public Builder failures(int inARow) {
      if (inARow < 1 || inARow > MOST_FAILURES) {
        throw new IllegalArgumentException(
            "A breaker opens after 1 to " + MOST_FAILURES + " failures in a row, not " + inARow);
      }
      failures = inARow;
      return this;
    }

    /** How long after a breaker opened the first message may run as a probe, 30 s unless set. */
    public Builder probeAfter(Duration wait) {
      if (wait.compareTo(Duration.ofMillis(1)) < 0 || wait.compareTo(Duration.ofDays(365)) > 0) {
        throw new IllegalArgumentException("A probe comes after 1 ms to 365 days, not " + wait);
      }
      probeAfter = wait;
      return this;
    }

    /** How many failing types are known at most, 1,000 unless set; see above for what goes. */
    public Builder maxTypes(int most) {
      if (most < 1) {
        throw new IllegalArgumentException("There is room for at least 1 type, not " + most);
      }
      maxTypes = most;
      return this;
    }

    /** Where the time comes from; the same source as the worker's. */
    public Builder time(TimeSource source) {
      time = Objects.requireNonNull(source);
      return this;
    }

    /** Makes breakers, all closed. */
    public CircuitBreakers build() {
      return new CircuitBreakers(this);
    }
  }
}
