package dev.forebay.queue.worker;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.dedup.ClaimOutcome;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.dedup.DedupOptions;
import dev.forebay.queue.dedup.DedupStore;
import dev.forebay.queue.dedup.DuplicateHandler;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Processing dedup (U2-U4): claims the work before its handler runs and completes it before the
 * ack, so that whatever happens in between is either done again after the claim has ended, or
 * recognised as done.
 *
 * <p>Equal work that is in flight in this worker is run once: its other deliveries are parked and
 * acked with the one that runs, or tried in their turn when that one fails or loses its lease: a
 * handler that hangs keeps nobody waiting longer than its lease (L2). What another process has
 * claimed is given back until that claim would end.
 *
 * <p>Only work whose handler returned as done while the lease was held is ever completed: a handler
 * that noticed a lost lease may have returned with nothing done (U3).
 *
 * <p>Thread-safe.
 */
final class DedupStep implements Step {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  /** While the store is down and work waits for it. */
  private static final Duration STORE_DOWN_DELAY = Duration.ofSeconds(2);

  /** A claim about to end needs this much more, lest its work comes back too early. */
  private static final Duration SHORTEST_DELAY = Duration.ofMillis(5);

  private final DedupStore store;
  private final DedupOptions options;
  private final RetryPolicy retry;
  private final TimeSource time;
  private final Parking parking;
  private final Signals signals;
  private final ClaimKeeper keeper;
  private final ConcurrentMap<DedupKey, Flight> flights = new ConcurrentHashMap<>();
  private final AtomicBoolean storeDown = new AtomicBoolean();

  DedupStep(DedupStore store, DedupOptions options, StepContext context) {
    this.store = store;
    this.options = options;
    this.retry = context.retry();
    this.time = context.time();
    this.parking = context.parking();
    this.signals = context.signals();
    this.keeper = new ClaimKeeper(store, options, time);
  }

  @Override
  public Decision before(Run run) {
    ClaimOutcome.Finished twinsEnd = run.takeTwinsEnd();
    if (twinsEnd != null) {
      return duplicate(run, twinsEnd);
    }
    Flight mine = run.takeAnnounced();
    if (mine == null) {
      mine = new Flight(options.keyOf(run.delivery()), run);
      if (!takeOff(mine, true)) {
        recognised(run, DuplicateKind.IN_FLIGHT);
        return Decision.PARK;
      }
    }
    Decision decision = null;
    try {
      decision = claim(mine);
    } finally {
      if (decision != Decision.GO) {
        land(mine).forEach(parking::resume);
      }
    }
    return decision;
  }

  /** Asks for the claim, so that those of a batch are waited for together. */
  @Override
  public void announce(Run run) {
    if (run.hasTwinsEnd()) {
      return;
    }
    Flight mine = new Flight(options.keyOf(run.delivery()), run);
    if (takeOff(mine, false)) {
      run.announced(mine);
      ask(mine);
    }
  }

  /**
   * Begins a flight, unless equal work is in flight already; work whose leader has lost its lease
   * no longer is, whether its handler has ended or not (L2).
   *
   * @param orFollow whether its run is to follow the other one then
   * @return whether it has begun
   */
  private boolean takeOff(Flight mine, boolean orFollow) {
    AtomicReference<@Nullable Flight> overtaken = new AtomicReference<>();
    Flight flight =
        flights.compute(
            mine.key,
            (key, already) -> {
              if (already == null || already.leader.isLeaseLost()) {
                overtaken.set(already);
                return mine;
              }
              if (orFollow) {
                already.follow(mine.leader);
              }
              return already;
            });
    Flight lost = overtaken.get();
    if (lost != null) {
      lost.takeFollowers().forEach(parking::resume);
    }
    return flight == mine;
  }

  /** What became of the claim is in {@link Flight#asked}; nothing when the lease is lost. */
  private void ask(Flight flight) {
    Duration term = keeper.term(flight.leader);
    if (term.isZero()) {
      return;
    }
    flight.term = term;
    flight.termFromNanos = time.nanoTime();
    CompletableFuture<ClaimOutcome> answer;
    try {
      answer = bounded(store.claim(flight.claim, term));
    } catch (RuntimeException e) {
      answer = CompletableFuture.failedFuture(e);
    }
    flight.asked = answer;
  }

  private Decision claim(Flight flight) {
    Run run = flight.leader;
    if (flight.asked == null) {
      ask(flight);
    }
    CompletableFuture<ClaimOutcome> asked = flight.asked;
    if (asked == null) {
      // The lease is lost, and with it the right to run.
      return Decision.settle(Outcome.giveBack(), SkipReason.IN_PROGRESS);
    }
    ClaimOutcome outcome;
    try {
      outcome = asked.join();
    } catch (RuntimeException e) {
      return withoutStore(flight, e);
    }
    works();
    if (outcome instanceof ClaimOutcome.Granted) {
      flight.claimed = true;
      fly(flight);
      keeper.watch(flight);
      return Decision.GO;
    }
    if (outcome instanceof ClaimOutcome.Finished finished) {
      recognised(run, DuplicateKind.FINISHED);
      return duplicate(run, finished);
    }
    recognised(run, DuplicateKind.IN_FLIGHT);
    return later(run, ((ClaimOutcome.InProgress) outcome).remaining());
  }

  /** Its run goes on; the others wait for it while it has its lease. */
  private void fly(Flight flight) {
    flight.leader.flight(flight);
    flight.leader.whenLost(() -> land(flight).forEach(parking::resume));
  }

  private void recognised(Run run, DuplicateKind kind) {
    if (signals.heard()) {
      signals.tell(listener -> listener.duplicate(run.delivery(), kind));
    }
  }

  /** As configured, but never as done (U3). */
  private Decision withoutStore(Flight flight, RuntimeException failure) {
    storeFailed("claim", failure);
    if (options.onStoreFailure() == DedupOptions.StoreFailure.PROCESS) {
      fly(flight);
      return Decision.GO;
    }
    // It may have been granted without our knowing.
    giveUp(flight);
    return later(flight.leader, STORE_DOWN_DELAY);
  }

  @Override
  public void after(Run run, Result result) {
    Flight flight = run.takeFlight();
    if (flight == null) {
      return;
    }
    keeper.forget(flight);
    if (Result.isDone(result) && !run.isLeaseLost()) {
      complete(flight);
      ClaimOutcome.Finished end = new ClaimOutcome.Finished(Optional.ofNullable(run.keptResult()));
      land(flight).forEach(twin -> settleTwin(twin, end));
    } else {
      CompletableFuture<Boolean> unused =
          giveUp(flight).whenComplete((live, failure) -> land(flight).forEach(parking::resume));
    }
  }

  private void complete(Flight flight) {
    try {
      CompletableFuture<Boolean> completed =
          store.complete(flight.claim, flight.leader.keptResult(), options.retention());
      // Without a claim there is little hope and nothing to wait for.
      if (flight.claimed && !bounded(completed).join()) {
        LOG.debug(
            "{} is done, but its claim ended before; equal work may be done once more",
            flight.leader);
      }
    } catch (RuntimeException e) {
      storeFailed("complete", e);
    }
  }

  private CompletableFuture<Boolean> giveUp(Flight flight) {
    try {
      return bounded(store.release(flight.claim));
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** Ends a flight: from now on equal work begins a new one. */
  private List<Run> land(Flight flight) {
    // Once it is out of the map nobody adds to its followers.
    boolean unused = flights.remove(flight.key, flight);
    return flight.takeFollowers();
  }

  private void settleTwin(Run twin, ClaimOutcome.Finished end) {
    if (options.duplicates().isEmpty()) {
      parking.settle(twin, Outcome.ack(), SkipReason.DUPLICATE);
    } else {
      // On a thread of its own: the answer may take its time.
      twin.twinIsDone(end);
      parking.resume(twin);
    }
  }

  private Decision duplicate(Run run, ClaimOutcome.Finished end) {
    Delivery delivery = run.delivery();
    DuplicateHandler handler = options.duplicates().orElse(null);
    if (handler != null) {
      try {
        handler.handle(delivery, end.result());
      } catch (Exception e) {
        LOG.warn(
            "The duplicate {} of queue {} could not be answered; it comes again",
            delivery.id(),
            delivery.queue().name(),
            e);
        int times = delivery.attempts().returned() + 1;
        return later(run, retry.backoff().delay(times, delivery.id()));
      }
    }
    return Decision.settle(Outcome.ack(), SkipReason.DUPLICATE);
  }

  /** Away for a while without burning an attempt: to the queue where that is free of charge. */
  private Decision later(Run run, Duration delay) {
    Duration wait = delay.compareTo(SHORTEST_DELAY) < 0 ? SHORTEST_DELAY : delay;
    Capabilities can = run.delivery().queue().capabilities();
    if (can.returnsWithoutAttempt() && !can.maxReleaseDelay().isZero()) {
      Duration longest = can.maxReleaseDelay();
      return Decision.settle(
          Outcome.retryAfter(wait.compareTo(longest) < 0 ? wait : longest), SkipReason.IN_PROGRESS);
    }
    TimeSource.Timer unused = time.schedule(wait, () -> parking.resume(run));
    return Decision.PARK;
  }

  /** A store that does not keep its own bound must not keep a slot. */
  private <T> CompletableFuture<T> bounded(CompletableFuture<T> call) {
    return Bounded.within(options.storeTimeout(), time, "dedup store", call);
  }

  private void works() {
    if (storeDown.get() && storeDown.compareAndSet(true, false)) {
      LOG.info("The dedup store works again");
      if (signals.heard()) {
        signals.tell(listener -> listener.storeUp(StoreKind.DEDUP));
      }
    }
  }

  private void storeFailed(String what, RuntimeException failure) {
    if (storeDown.compareAndSet(false, true)) {
      if (signals.heard()) {
        signals.tell(listener -> listener.storeDown(StoreKind.DEDUP, failure));
      }
      LOG.warn(
          "The dedup store failed to {}; messages are {} until it works again",
          what,
          options.onStoreFailure() == DedupOptions.StoreFailure.PROCESS
              ? "run without it"
              : "given back",
          failure);
    }
  }
}
