package dev.forebay.queue.worker;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the leases of all deliveries a worker holds, and notices when one is lost (L3, L4, W2).
 *
 * <p>One timer for all of them rather than one each: what is due is extended together, so that the
 * queue's batching puts it into few requests, and ten thousand handlers cost one timer. What a
 * failed extension leaves is tried again by the next round, which comes long before the lease ends.
 *
 * <p>Thread-safe; rounds run on the time source's thread, one at a time.
 */
final class LeaseKeeper {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final WorkQueue queue;
  private final Capabilities can;
  private final LeasePolicy policy;
  private final HandlerTimes times;
  private final TimeSource time;
  private final Counters counters;
  private final Signals signals;
  private final Consumer<Consumer<Run>> runs;

  private final Object lock = new Object();
  private TimeSource.@Nullable Timer timer;
  private boolean stopped;
  private long rounds;
  private volatile Duration granted = Duration.ZERO;

  /**
   * Sleeps until the first delivery.
   *
   * @param times how long handlers usually run
   * @param runs passes every run there is to an action
   */
  LeaseKeeper(
      WorkQueue queue,
      LeasePolicy policy,
      HandlerTimes times,
      TimeSource time,
      Counters counters,
      Signals signals,
      Consumer<Consumer<Run>> runs) {
    this.queue = queue;
    this.can = queue.capabilities();
    this.policy = policy;
    this.times = times;
    this.time = time;
    this.counters = counters;
    this.signals = signals;
    this.runs = runs;
  }

  /**
   * What a lease of the queue is when granted: the longest seen so far. A queue may hold what it
   * has received for a while before it hands it out with less (P4), so the longest is the nearest
   * to the truth. Called by one thread.
   *
   * @param remaining what a delivery just received has left
   */
  Duration granted(Duration remaining) {
    if (remaining.compareTo(granted) > 0) {
      boolean first = granted.isZero();
      granted = remaining;
      if (first) {
        schedule();
      }
    }
    return granted;
  }

  /** The same, as known so far. */
  Duration granted() {
    return granted;
  }

  /** No further round. */
  void stop() {
    synchronized (lock) {
      stopped = true;
      if (timer != null) {
        timer.cancel();
        timer = null;
      }
    }
  }

  private void schedule() {
    synchronized (lock) {
      if (!stopped) {
        Duration target = within(policy.extendTo(granted, Duration.ZERO));
        Duration shortest = granted.compareTo(target) < 0 ? granted : target;
        timer = time.schedule(policy.interval(shortest, rounds++), this::round);
      }
    }
  }

  private void round() {
    try {
      runs.accept(this::lookSafely);
    } finally {
      schedule();
    }
  }

  /** The lease of one must not depend on what another queue's delivery throws. */
  private void lookSafely(Run run) {
    try {
      look(run);
    } catch (RuntimeException e) {
      LOG.warn(
          "The lease of message {} of queue {} could not be looked after; the next round tries"
              + " again",
          run.delivery().id(),
          queue.name(),
          e);
    }
  }

  private void look(Run run) {
    Delivery delivery = run.delivery();
    if (!run.wantsExtension()) {
      noticeLoss(run);
      return;
    }
    Duration remaining = delivery.leaseRemaining();
    if (remaining.isZero()) {
      // Lost, or settled by the handler itself.
      noticeLoss(run);
    } else if (!policy.mayExtend(Duration.ofNanos(run.runningNanos()))) {
      run.stopExtending();
      LOG.warn(
          "Message {} of queue {} has been running for {}; its lease is no longer extended, and it"
              + " is delivered again when that ends. Allow more by LeasePolicy.maxRunTime.",
          delivery.id(),
          queue.name(),
          policy.maxRunTime());
    } else if (policy.extensionDue(remaining, run.lease())) {
      extend(run, extended -> {});
    }
  }

  /** Counts and tells the loss of a lease, if it is lost and nobody has done so. */
  void noticeLoss(Run run) {
    Delivery delivery = run.delivery();
    if (delivery.isLost() && run.lose()) {
      counters.leaseLost.increment();
      if (signals.heard()) {
        signals.tell(listener -> listener.leaseLost(delivery));
      }
      LOG.warn(
          "The lease of message {} of queue {} was lost on attempt {}; if its handler runs it is"
              + " interrupted, and its result will not be acked",
          delivery.id(),
          queue.name(),
          delivery.attempt());
    }
  }

  /**
   * Extends one lease.
   *
   * @param then told whether the queue confirmed it
   */
  void extend(Run run, Consumer<Boolean> then) {
    Duration target = within(target(run), can.maxLeaseTotal().minusNanos(run.heldNanos()));
    if (target.isZero()) {
      run.stopExtending();
      LOG.warn(
          "Message {} of queue {} has been held for as long as the queue allows: {}",
          run.delivery().id(),
          queue.name(),
          can.maxLeaseTotal());
      then.accept(false);
      return;
    }
    run.extensionBegins();
    Duration margin = run.delivery().leaseRemaining();
    CompletableFuture<Settlement> asked;
    try {
      asked = queue.extend(run.delivery(), target);
    } catch (RuntimeException e) {
      asked = CompletableFuture.failedFuture(e);
    }
    CompletableFuture<Settlement> unused =
        asked.whenComplete(
            (result, failure) -> then.accept(ended(run, target, margin, result, failure)));
  }

  private boolean ended(
      Run run,
      Duration target,
      Duration margin,
      @Nullable Settlement result,
      @Nullable Throwable failure) {
    run.extensionEnds();
    if (result == Settlement.OK) {
      run.extended(target);
      counters.extensions.increment();
      counters.leaseMargin.record(margin.toNanos());
      if (signals.heard()) {
        signals.tell(listener -> listener.extended(run.delivery(), margin));
      }
      return true;
    }
    if (result == Settlement.STALE) {
      noticeLoss(run);
      return false;
    }
    if (failure != null) {
      LOG.debug("An extension ended with an exception; it is tried again", failure);
    }
    if (signals.heard()) {
      signals.tell(listener -> listener.extensionFailed(run.delivery(), failure));
    }
    return false;
  }

  /** What an extension sets the lease to. */
  private Duration target(Run run) {
    long running = run.runningNanos();
    Duration left =
        running > 0 && policy.followsWork()
            ? times.p99(run.type()).minusNanos(running)
            : Duration.ZERO;
    return within(policy.extendTo(granted, left.isNegative() ? Duration.ZERO : left));
  }

  private Duration within(Duration wanted) {
    return wanted.compareTo(can.minLease()) < 0
        ? can.minLease()
        : wanted.compareTo(can.maxLease()) > 0 ? can.maxLease() : wanted;
  }

  private Duration within(Duration target, Duration left) {
    if (left.compareTo(target) >= 0) {
      return target;
    }
    return left.compareTo(can.minLease()) < 0 ? Duration.ZERO : left;
  }
}
