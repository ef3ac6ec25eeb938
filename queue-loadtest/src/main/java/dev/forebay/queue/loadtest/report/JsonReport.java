package dev.forebay.queue.loadtest.report;

import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.forebay.queue.loadtest.model.TimeOuts;
import dev.forebay.queue.loadtest.model.Timeline;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * {@code report.json}: the figures of a run, for programs. The names of its fields are public API.
 *
 * @param trace what was replayed
 * @param timeouts what the time-outs became, and which could not be scaled as far as the rest
 * @param ideal the ideal queue
 * @param queues the real queues
 */
record JsonReport(Source trace, TimeOutFigures timeouts, Ideal ideal, List<Queue> queues) {

  /** Times are in the replay's milliseconds: multiply by {@code speedup} for the trace's. */
  record Source(String source, int requests, double speedup, long seed) {}

  record TimeOutFigures(
      @Nullable Double leaseMs,
      @Nullable Double backoffMs,
      @Nullable Double backoffCapMs,
      @Nullable Double maxRunTimeMs,
      @Nullable Double pollWaitMs,
      List<FloorFigures> floors) {}

  record FloorFigures(
      String queue,
      String timeout,
      @Nullable Double wantedMs,
      @Nullable Double appliedMs,
      String why) {}

  record Ideal(@Nullable Double ageP50Ms, @Nullable Double ageP99Ms, @Nullable Double drainMs) {}

  record Queue(
      String name,
      int sent,
      int handled,
      int lost,
      int duplicates,
      @Nullable Double ageP50Ms,
      @Nullable Double ageP99Ms,
      @Nullable Double queueToStartP99Ms,
      @Nullable Double handledPerSecond,
      @Nullable Double slotUse,
      long leaseExtensions,
      @Nullable Double wastedSeconds,
      @Nullable Double requestsPerMessage) {}

  static JsonReport of(Comparison run) {
    Timeline ideal = run.ideal();
    return new JsonReport(
        new Source(run.trace().source(), run.trace().size(), run.speedUp().factor(), run.seed()),
        timeOuts(run),
        new Ideal(
            rounded(ideal.ageMillis(50)),
            rounded(ideal.ageMillis(99)),
            rounded(ideal.drainMillis())),
        run.queues().stream().map(JsonReport::queue).toList());
  }

  private static TimeOutFigures timeOuts(Comparison run) {
    TimeOuts timeOuts = run.timeOuts();
    return new TimeOutFigures(
        millis(timeOuts.lease()),
        millis(timeOuts.backoff()),
        millis(timeOuts.backoffCap()),
        millis(timeOuts.maxRunTime()),
        millis(timeOuts.pollWait()),
        run.floors().stream()
            .map(
                floor ->
                    new FloorFigures(
                        floor.queue(),
                        floor.timeOut(),
                        millis(floor.wanted()),
                        millis(floor.applied()),
                        floor.why()))
            .toList());
  }

  private static @Nullable Double millis(Duration duration) {
    return rounded(duration.toNanos() / 1e6);
  }

  private static Queue queue(QueueResult queue) {
    Timeline timeline = queue.timeline();
    return new Queue(
        queue.name(),
        queue.sent(),
        timeline.handled(),
        timeline.lost(),
        timeline.duplicates(),
        rounded(timeline.ageMillis(50)),
        rounded(timeline.ageMillis(99)),
        rounded(queue.queueToStartP99Millis()),
        rounded(timeline.handledPerSecond()),
        rounded(timeline.slotUse()),
        queue.leaseExtensions(),
        rounded(queue.wasted().toNanos() / 1e9),
        rounded(queue.requestsPerMessage()));
  }

  private static @Nullable Double rounded(OptionalDouble value) {
    return value.isEmpty() ? null : rounded(value.getAsDouble());
  }

  /** Three decimals: more would be noise, and this file is read by people as well. */
  private static @Nullable Double rounded(@Nullable Double value) {
    return value == null
        ? null
        : BigDecimal.valueOf(value).setScale(3, RoundingMode.HALF_UP).doubleValue();
  }

  String toJson() throws IOException {
    DefaultPrettyPrinter printer =
        new DefaultPrettyPrinter().withArrayIndenter(new DefaultIndenter("  ", "\n"));
    printer.indentObjectsWith(new DefaultIndenter("  ", "\n"));
    return new ObjectMapper().writer(printer).writeValueAsString(this) + "\n";
  }
}
