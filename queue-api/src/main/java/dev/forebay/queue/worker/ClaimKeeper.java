package dev.forebay.queue.worker;

import dev.forebay.queue.dedup.DedupOptions;
import dev.forebay.queue.dedup.DedupStore;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The heartbeat of claims: one timer for all of them, which runs while there are any, and extends
 * those of which a third is gone. A claim never outlives its delivery's lease by more than the
 * clocks differ, so that a message that comes back by its lease finds its work free.
 *
 * <p>Thread-safe.
 */
final class ClaimKeeper {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  /** A third, looked at twice as often: what fails can be tried again twice. */
  private static final int EXTEND_DIVISOR = 3;

  private static final int LOOK_DIVISOR = 2 * EXTEND_DIVISOR;

  private static final Duration SHORTEST_INTERVAL = Duration.ofMillis(5);

  private final DedupStore store;
  private final DedupOptions options;
  private final TimeSource time;
  private final Set<Flight> claimed = ConcurrentHashMap.newKeySet();

  private final Object lock = new Object();
  private TimeSource.@Nullable Timer timer;
  private Duration interval = Duration.ZERO;

  ClaimKeeper(DedupStore store, DedupOptions options, TimeSource time) {
    this.store = store;
    this.options = options;
    this.time = time;
  }

  /** How long a claim is to be from now: no longer than the lease that it goes with. */
  Duration term(Run run) {
    Duration lease = run.leaseRemaining();
    return lease.compareTo(options.claimTerm()) < 0 ? lease : options.claimTerm();
  }

  /** Extends this claim from now on. */
  void watch(Flight flight) {
    claimed.add(flight);
    Duration wanted = interval(flight);
    synchronized (lock) {
      if (timer == null) {
        schedule(wanted);
      } else if (wanted.compareTo(interval) < 0) {
        timer.cancel();
        schedule(wanted);
      }
    }
  }

  /** No longer extends this claim. */
  void forget(Flight flight) {
    claimed.remove(flight);
  }

  /** With the lock. */
  private void schedule(Duration after) {
    interval = after;
    timer = time.schedule(after, this::round);
  }

  private static Duration interval(Flight flight) {
    Duration even = flight.term.dividedBy(LOOK_DIVISOR);
    return even.compareTo(SHORTEST_INTERVAL) < 0 ? SHORTEST_INTERVAL : even;
  }

  private void round() {
    Duration next = null;
    for (Flight flight : claimed) {
      try {
        look(flight);
      } catch (RuntimeException e) {
        flight.extending = false;
        LOG.debug("A claim could not be extended; it is tried again", e);
      }
      Duration wanted = interval(flight);
      next = next == null || wanted.compareTo(next) < 0 ? wanted : next;
    }
    synchronized (lock) {
      timer = null;
      if (next != null) {
        schedule(next);
      } else if (!claimed.isEmpty()) {
        // Came while this round looked.
        schedule(SHORTEST_INTERVAL);
      }
    }
  }

  private void look(Flight flight) {
    long now = time.nanoTime();
    Duration gone = Duration.ofNanos(now - flight.termFromNanos);
    boolean due = gone.compareTo(flight.term.dividedBy(EXTEND_DIVISOR)) >= 0;
    Duration term = term(flight.leader);
    // Without a lease somebody else is to have the work; the claim ends by itself.
    if (!due || flight.extending || flight.leader.isLeaseLost() || term.isZero()) {
      return;
    }
    flight.extending = true;
    CompletableFuture<Boolean> unused =
        store
            .extend(flight.claim, term)
            .whenComplete(
                (live, failure) -> {
                  if (failure == null && live) {
                    flight.term = term;
                    flight.termFromNanos = now;
                  } else if (failure == null) {
                    LOG.debug("The claim on {} ended before its work did", flight.key);
                    forget(flight);
                  }
                  flight.extending = false;
                });
  }
}
