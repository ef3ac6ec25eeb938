package dev.forebay.queue.loadtest.report;

import dev.forebay.queue.loadtest.model.Timeline;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * The figures of a run as a table: a row per figure, a column per queue, the ideal first. So
 * arranged it fits on a terminal and on a phone, however the names grow.
 */
final class Figures {

  /**
   * A row.
   *
   * @param label the figure's name
   * @param meaning what it is, in a few words
   * @param cells a value per column
   * @param bad per column, whether the value says that the queue broke its promise
   */
  record Row(String label, String meaning, List<String> cells, List<Boolean> bad) {}

  private final Comparison run;
  private final List<Row> rows = new ArrayList<>();

  private Figures(Comparison run) {
    this.run = run;
  }

  static List<String> columns(Comparison run) {
    List<String> columns = new ArrayList<>();
    columns.add("ideal");
    run.queues().forEach(queue -> columns.add(queue.name()));
    return columns;
  }

  static List<Row> rows(Comparison run) {
    return new Figures(run).fill();
  }

  private List<Row> fill() {
    row("sent", "enqueue confirmed", Format.NONE, q -> Format.count(q.sent()));
    both("handled", "at least once", t -> Format.count(t.handled()), t -> false);
    both("lost", "never handled", t -> Format.count(t.lost()), t -> t.lost() > 0);
    both("duplicates", "handled again", t -> Format.count(t.duplicates()), t -> t.duplicates() > 0);
    both("age p50", "from arrival to start", t -> Format.millis(t.ageMillis(50)), t -> false);
    both("age p99", "from arrival to start", t -> Format.millis(t.ageMillis(99)), t -> false);
    row(
        "queue to start p99",
        "from confirmed enqueue",
        Format.NONE,
        q -> Format.millis(q.queueToStartP99Millis()));
    both(
        "drained after", "since the last arrival", t -> Format.millis(t.drainMillis()), t -> false);
    both("handled a second", "", t -> Format.decimal(t.handledPerSecond(), 1), t -> false);
    both("slot use", "of slot time with work", t -> Format.percent(t.slotUse()), t -> false);
    row("lease extensions", "", Format.NONE, q -> Format.count(q.leaseExtensions()));
    row(
        "wasted",
        "work of lost leases",
        Format.NONE,
        q -> Format.seconds(q.wasted().toMillis() / 1e3));
    row(
        "requests a message",
        "API calls, counted",
        Format.NONE,
        q -> Format.decimal(q.requestsPerMessage(), 2));
    return rows;
  }

  /** A figure the ideal queue has too. */
  private void both(
      String label,
      String meaning,
      Function<Timeline, String> value,
      Function<Timeline, Boolean> bad) {
    List<String> cells = new ArrayList<>();
    List<Boolean> broken = new ArrayList<>();
    cells.add(value.apply(run.ideal()));
    broken.add(false);
    for (QueueResult queue : run.queues()) {
      cells.add(value.apply(queue.timeline()));
      broken.add(bad.apply(queue.timeline()));
    }
    rows.add(new Row(label, meaning, cells, broken));
  }

  /** A figure of real queues only. */
  private void row(
      String label, String meaning, String ideal, Function<QueueResult, String> value) {
    List<String> cells = new ArrayList<>();
    List<Boolean> broken = new ArrayList<>();
    cells.add(ideal);
    broken.add(false);
    for (QueueResult queue : run.queues()) {
      cells.add(value.apply(queue));
      broken.add(false);
    }
    rows.add(new Row(label, meaning, cells, broken));
  }
}
