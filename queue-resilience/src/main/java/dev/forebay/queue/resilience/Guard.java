package dev.forebay.queue.resilience;

import dev.forebay.queue.time.TimeSource;
import dev.forebay.queue.worker.BreakerState;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;

/**
 * The breaker of one type that has failed. It ends, closed, by a success or when room is needed;
 * one that has ended lets everything pass and counts nothing.
 *
 * <p>Thread-safe, by one lock, under which listeners are told too: so they hear of all changes of a
 * type in their order. Types that do not fail have no guard and no lock.
 */
final class Guard {

  private final String type;
  private final CircuitBreaker breaker;
  private final Duration probeAfter;
  private final TimeSource time;
  private final BiConsumer<String, BreakerState> changed;
  private final Object lock = new Object();

  private volatile long lastUsedNanos;
  // Guarded by the lock.
  private boolean ended;
  private BreakerState told = BreakerState.CLOSED;
  private long openedNanos;
  private int probes;

  Guard(
      String type,
      CircuitBreakerConfig config,
      Duration probeAfter,
      TimeSource time,
      BiConsumer<String, BreakerState> changed) {
    this.type = type;
    this.breaker = CircuitBreaker.of(type, config);
    this.probeAfter = probeAfter;
    this.time = time;
    this.changed = changed;
    this.lastUsedNanos = time.nanoTime();
  }

  String type() {
    return type;
  }

  /** Whether a message may run now; as a probe, if the breaker is half open. */
  boolean tryStart() {
    lastUsedNanos = time.nanoTime();
    synchronized (lock) {
      if (ended) {
        return true;
      }
      boolean go = breaker.tryAcquirePermission();
      tellChange();
      if (go && told == BreakerState.HALF_OPEN) {
        probes++;
      }
      return go;
    }
  }

  /** A message is done; true when that is the end of this guard. */
  boolean succeeded(Duration ran) {
    synchronized (lock) {
      if (ended || startedBeforeProbes(ran)) {
        return false;
      }
      breaker.onSuccess(ran.toNanos(), TimeUnit.NANOSECONDS);
      tellChange();
      // What counts is what failed in a row: nothing is left to be remembered.
      ended = told == BreakerState.CLOSED;
      return ended;
    }
  }

  /** A message has failed; false when this guard has ended and it must be counted elsewhere. */
  boolean failed(Duration ran) {
    lastUsedNanos = time.nanoTime();
    synchronized (lock) {
      if (ended) {
        return false;
      }
      if (!startedBeforeProbes(ran)) {
        breaker.onError(ran.toNanos(), TimeUnit.NANOSECONDS, new Failure());
        tellChange();
      }
      return true;
    }
  }

  /** A message did not run to an end: if it was the probe there may be another one. */
  void cancelled(Duration ago) {
    synchronized (lock) {
      if (!ended && told == BreakerState.HALF_OPEN && probes > 0 && !startedBeforeProbes(ago)) {
        probes--;
        breaker.releasePermission();
      }
    }
  }

  BreakerState state() {
    synchronized (lock) {
      return told;
    }
  }

  /** Whether this one is forgotten rather than the other one. */
  boolean goesBefore(Guard other) {
    boolean closed = state() == BreakerState.CLOSED;
    if (closed != (other.state() == BreakerState.CLOSED)) {
      return closed;
    }
    return lastUsedNanos - other.lastUsedNanos < 0;
  }

  /** It is forgotten. */
  void end() {
    synchronized (lock) {
      ended = true;
      if (told != BreakerState.CLOSED) {
        told = BreakerState.CLOSED;
        changed.accept(type, told);
      }
    }
  }

  void tellIfNotClosed(BiConsumer<String, BreakerState> listener) {
    synchronized (lock) {
      if (told != BreakerState.CLOSED) {
        CircuitBreakers.tell(listener, type, told);
      }
    }
  }

  /**
   * Whether a message that ends now, while the breaker is half open, is no probe: probes start
   * after the wait, all others before the breaker opened. Half of the wait is room for clocks that
   * are read a little early or late.
   */
  private boolean startedBeforeProbes(Duration ran) {
    return told == BreakerState.HALF_OPEN
        && time.nanoTime() - ran.toNanos() - openedNanos < probeAfter.toNanos() / 2;
  }

  private void tellChange() {
    BreakerState now =
        switch (breaker.getState()) {
          case OPEN, FORCED_OPEN -> BreakerState.OPEN;
          case HALF_OPEN -> BreakerState.HALF_OPEN;
          case CLOSED, DISABLED, METRICS_ONLY -> BreakerState.CLOSED;
        };
    if (now == told) {
      return;
    }
    told = now;
    probes = 0;
    if (now == BreakerState.OPEN) {
      openedNanos = time.nanoTime();
    }
    changed.accept(type, now);
  }

  /** What the library wants to be given for a failure; nobody sees it. */
  private static final class Failure extends Exception {

    private static final long serialVersionUID = 1L;

    Failure() {
      super("A handler failed", null, false, false);
    }
  }
}
