package dev.forebay.queue.worker;

import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;

/** The counters behind {@link WorkerStats}, cheap to count on many threads. Thread-safe. */
final class Counters {

  final LongAdder handled = new LongAdder();
  final LongAdder failed = new LongAdder();
  final LongAdder retried = new LongAdder();
  final LongAdder deadLettered = new LongAdder();
  final LongAdder returned = new LongAdder();
  final LongAdder leaseLost = new LongAdder();
  final LongAdder extensions = new LongAdder();
  final LongAdder stale = new LongAdder();
  final LongAdder unknown = new LongAdder();
  final LongAdder throttled = new LongAdder();
  final LongAdder expired = new LongAdder();
  final LongAdder duplicates = new LongAdder();
  final LongAdder diverted = new LongAdder();
  final Distribution messageAge = new Distribution();
  final Distribution queueToStart = new Distribution();
  final Distribution handlerTime = new Distribution();
  final Distribution leaseMargin = new Distribution();
  final RecentMean recentHandlerNanos = new RecentMean();
  final LongAdder busyNanos = new LongAdder();
  final LongAdder wastedNanos = new LongAdder();

  /** A delivery was settled for good without running. */
  void skipped(SkipReason why) {
    switch (why) {
      case EXPIRED -> expired.increment();
      case DUPLICATE -> duplicates.increment();
      case DIVERTED -> diverted.increment();
      default -> {}
    }
  }

  /** What only the worker knows: how things are now. */
  record Now(
      int slots,
      int concurrency,
      int running,
      int hung,
      long runningNanos,
      long wastedRunningNanos) {}

  WorkerStats snapshot(Now now) {
    return new WorkerStats(
        now.slots,
        now.running,
        handled.sum(),
        failed.sum(),
        retried.sum(),
        deadLettered.sum(),
        returned.sum(),
        leaseLost.sum(),
        extensions.sum(),
        stale.sum(),
        unknown.sum(),
        Duration.ofNanos(busyNanos.sum() + now.runningNanos),
        Duration.ofNanos(wastedNanos.sum() + now.wastedRunningNanos),
        throttled.sum(),
        expired.sum(),
        duplicates.sum(),
        diverted.sum(),
        messageAge.snapshot(),
        queueToStart.snapshot(),
        handlerTime.snapshot(),
        leaseMargin.snapshot(),
        Duration.ofNanos((long) recentHandlerNanos.value()),
        now.concurrency,
        now.hung);
  }
}
