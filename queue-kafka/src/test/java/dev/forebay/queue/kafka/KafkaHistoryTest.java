package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Capabilities;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.testkit.contract.QueueSettings;
import dev.forebay.queue.testkit.contract.WorkQueueHarness;
import dev.forebay.queue.testkit.history.Event;
import dev.forebay.queue.testkit.history.Event.Kind;
import dev.forebay.queue.testkit.history.History;
import dev.forebay.queue.testkit.history.HistoryChecker;
import dev.forebay.queue.testkit.history.Workload;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Random work, whose history must be one that the contract allows; at full size with -Psoak. */
@Execution(ExecutionMode.CONCURRENT)
class KafkaHistoryTest {

  private static final boolean SOAK = Boolean.getBoolean("forebay.soak");

  @Test
  @Timeout(600)
  void share_randomWork_isGood() {
    work(new KafkaShareHarness()).restarts(SOAK).run().assertGood();
  }

  /** With members that come and go, and the commits and the log looked at from outside. */
  @Test
  @Timeout(600)
  void keyed_randomWork_isGood() {
    Workload.Run run =
        work(new KafkaKeyedHarness())
            .messages(SOAK ? 10_000 : 100)
            .witness(new KeyedWitness(EmbeddedKafka.shared()))
            .run();
    run.assertGood();
    List<Event> events = run.history().events();
    assertThat(events.stream().map(Event::kind))
        .as("what the checks of the log are about")
        .contains(Kind.RECORD, Kind.COMMIT, Kind.RESOLVED, Kind.LOG_END);
    aFaultInTheLog_wouldHaveBeenSeen(events);
  }

  private static Workload work(WorkQueueHarness harness) {
    return Workload.on(harness)
        .seed(1)
        .messages(SOAK ? 10_000 : 100)
        .threads(SOAK ? 8 : 2)
        .keys(SOAK ? 200 : 10);
  }

  /** The very history that was good, with one thing wrong in each: none of the checks is blind. */
  private static void aFaultInTheLog_wouldHaveBeenSeen(List<Event> good) {
    Capabilities can = capabilities();
    long start = good.get(0).invoked();
    long end = good.stream().mapToLong(Event::invoked).max().orElseThrow() + 1;
    // The last commit of a partition that has changed hands.
    Event commit = last(good, event -> event.kind() == Kind.COMMIT && event.asked() > 1);
    long offset = commit.told().token();
    int term = commit.asked();
    Event record = last(good, event -> isOf(commit, event, Kind.RECORD));
    Event logEnd = last(good, event -> isOf(commit, event, Kind.LOG_END));
    Event delivery =
        last(
            good, event -> event.kind() == Kind.DELIVER && Objects.equals(event.id(), record.id()));
    assertThat(checks(can, good, null)).isEmpty();
    assertThat(checks(can, good, log(commit, start, offset, term, 10))).contains("C1");
    assertThat(checks(can, good, log(commit, end, offset - 1, term, 10))).contains("C2");
    assertThat(checks(can, good, at(delivery, end, delivery.id()))).contains("C3");
    assertThat(checks(can, good, at(record, end, "nobody's"))).contains("C4");
    assertThat(checks(can, good, log(logEnd, end, offset + 1, 0, 0))).contains("C5");
    assertThat(checks(can, good, log(commit, end, offset, term - 1, 10))).contains("C7");
    assertThat(checks(can, good, log(commit, end, offset, term, 4_097))).contains("C8");
  }

  private static Capabilities capabilities() {
    WorkQueueHarness harness = new KafkaKeyedHarness();
    String name = "history-" + UUID.randomUUID();
    try (WorkQueue queue =
        harness.open(
            name,
            new QueueSettings(
                harness.shortLease(), Duration.ofSeconds(1), true, KeyPolicy.STRICT))) {
      return queue.capabilities();
    } finally {
      harness.delete(name);
    }
  }

  private static Set<String> checks(Capabilities can, List<Event> events, @Nullable Event wrong) {
    List<Event> all = new ArrayList<>(events);
    if (wrong != null) {
      all.add(wrong);
    }
    return HistoryChecker.of(can).check(History.of(all)).checks();
  }

  private static boolean isOf(Event commit, Event event, Kind kind) {
    return event.kind() == kind && Objects.equals(event.text(), commit.text());
  }

  private static Event last(List<Event> events, Predicate<Event> what) {
    return events.stream().filter(what).reduce((one, other) -> other).orElseThrow();
  }

  private static Event log(Event as, long at, long offset, int term, int metadata) {
    return new Event(
        as.kind(),
        0,
        0,
        null,
        at,
        at,
        Event.Result.OK,
        0,
        term,
        metadata,
        as.text(),
        new Event.Told(null, null, 0, offset, Attempts.NONE, 0, 0));
  }

  private static Event at(Event as, long at, @Nullable String id) {
    return new Event(
        as.kind(),
        as.process(),
        Long.MAX_VALUE,
        id,
        at,
        at,
        as.result(),
        0,
        0,
        0,
        as.text(),
        as.told());
  }
}
