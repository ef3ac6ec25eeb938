package dev.forebay.queue.loadtest.report;

import dev.forebay.queue.loadtest.model.Failures;
import dev.forebay.queue.loadtest.model.Floor;
import dev.forebay.queue.loadtest.model.IdealQueue;
import dev.forebay.queue.loadtest.model.ServiceTime;
import dev.forebay.queue.loadtest.model.Slots;
import dev.forebay.queue.loadtest.model.SpeedClass;
import dev.forebay.queue.loadtest.model.SpeedUp;
import dev.forebay.queue.loadtest.model.TimeOuts;
import dev.forebay.queue.loadtest.model.Timeline;
import dev.forebay.queue.loadtest.trace.CodeLikeTraffic;
import dev.forebay.queue.loadtest.trace.PoissonControl;
import dev.forebay.queue.loadtest.trace.Trace;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/** Runs to report on: simulated ones, with queues that lag a known time behind the ideal. */
final class Runs {
  private static final long SEED = 42;
  private static final SpeedUp SPEED_UP = new SpeedUp(10);
  private static final Slots SLOTS = Slots.of(12);
  private static final Failures FAILURES = new Failures(SEED, 0.015, Duration.ofSeconds(1));

  private static final Floor BACKOFF_IN_SECONDS =
      new Floor(
          "sqs", "backoff", Duration.ofMillis(100), Duration.ofSeconds(1), "since it has <s> only");

  private Runs() {}

  /** Three queues, all requests handled once. */
  static Comparison clean() {
    Trace trace = new CodeLikeTraffic(SEED).generate(1_000);
    return comparison(
        trace,
        List.of(
            queue("memory", lagging(trace, Duration.ofMillis(2)), null),
            queue("sqs", lagging(trace, Duration.ofMillis(80)), 1_234L),
            queue("kafka", lagging(trace, Duration.ofMillis(300)), null)));
  }

  /** One queue that lost a request and handled another twice, on a trace with a hostile name. */
  static Comparison broken() {
    Trace generated = new CodeLikeTraffic(SEED).generate(10);
    Trace trace = new Trace("<script>alert(1)</script>.csv", generated.requests());
    Timeline.Builder timeline = Timeline.builder(trace, SPEED_UP, SLOTS);
    for (int i = 1; i < trace.size(); i++) {
      long arrival = timeline.arrivalNanos(i);
      timeline.attempt(i, arrival, arrival + 1_000_000, true);
    }
    timeline.attempt(3, 2_000_000_000L, 2_001_000_000L, true);
    return comparison(trace, List.of(queue("memory", timeline.build(), null)));
  }

  /** One queue that handled nothing at all. */
  static Comparison dead() {
    Trace trace = new CodeLikeTraffic(SEED).generate(10);
    Timeline nothing = Timeline.builder(trace, SPEED_UP, SLOTS).build();
    return comparison(
        trace,
        List.of(
            new QueueResult(
                "sqs", 0, nothing, null, 0, Duration.ZERO, 0L, List.of(), List.of("No lease."))));
  }

  private static Comparison comparison(Trace trace, List<QueueResult> queues) {
    return new Comparison(
        trace,
        SPEED_UP,
        SEED,
        SLOTS,
        15,
        IdealQueue.simulate(trace, SPEED_UP, SLOTS, FAILURES),
        IdealQueue.simulate(PoissonControl.of(trace, SEED), SPEED_UP, SLOTS, FAILURES),
        TimeOuts.of(SPEED_UP, Duration.ofSeconds(25), Duration.ofSeconds(1)),
        queues);
  }

  private static QueueResult queue(String name, Timeline timeline, Long apiCalls) {
    return new QueueResult(
        name,
        timeline.requests(),
        timeline,
        321.5,
        17,
        Duration.ofMillis(1_500),
        apiCalls,
        apiCalls == null ? List.of() : List.of(BACKOFF_IN_SECONDS),
        List.of("No broker, no network."));
  }

  /** The ideal queue, but each request reaches it {@code lag} late. */
  private static Timeline lagging(Trace trace, Duration lag) {
    Timeline.Builder builder = Timeline.builder(trace, SPEED_UP, SLOTS);
    PriorityQueue<long[]> slots = new PriorityQueue<>(Comparator.comparingLong(slot -> slot[0]));
    for (int i = 0; i < SLOTS.total(); i++) {
      slots.add(new long[] {0, i});
    }
    for (int i = 0; i < trace.size(); i++) {
      long[] slot = slots.remove();
      SpeedClass speed = slot[1] < SLOTS.fast() ? SpeedClass.FAST : SpeedClass.SLOW;
      long start = Math.max(builder.arrivalNanos(i) + lag.toNanos(), slot[0]);
      long end = start + SPEED_UP.scale(ServiceTime.of(trace.requests().get(i), speed)).toNanos();
      builder.attempt(i, start, end, true);
      slots.add(new long[] {end, slot[1]});
    }
    return builder.build();
  }
}
