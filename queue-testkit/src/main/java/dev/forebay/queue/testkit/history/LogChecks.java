package dev.forebay.queue.testkit.history;

import dev.forebay.queue.testkit.contract.Rule;
import dev.forebay.queue.testkit.history.Event.Kind;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** C1, C2, C5, C8: what a consumer group's committed offsets say. */
final class LogChecks {

  /** What a Kafka broker takes by default. */
  private static final int MOST_METADATA = 4_096;

  private final Index index;
  private final Findings to;

  private LogChecks(Index index, Findings to) {
    this.index = index;
    this.to = to;
  }

  static void run(Index index, Findings to) {
    LogChecks checks = new LogChecks(index, to);
    Map<String, List<Event>> byPartition = new HashMap<>();
    for (Event event : index.log) {
      byPartition.computeIfAbsent(String.valueOf(event.text()), p -> new ArrayList<>()).add(event);
    }
    byPartition.forEach(checks::judge);
  }

  private void judge(String partition, List<Event> events) {
    Event highest = null;
    for (Event event : events) {
      if (event.kind() != Kind.COMMIT) {
        continue;
      }
      if (event.came() > MOST_METADATA) {
        to.add(Check.C8, Rule.A4, "metadata of " + event.came() + " characters", event);
      }
      if (highest != null
          && highest.completed() < event.invoked()
          && event.told().token() < highest.told().token()) {
        to.add(Check.C2, Rule.A2, "a committed offset went back", highest, event);
      }
      if (highest == null || event.told().token() >= highest.told().token()) {
        highest = event;
      }
    }
    resolved(partition, events);
    if (highest == null || index.drained == null) {
      return;
    }
    for (Event event : events) {
      if (event.kind() == Kind.LOG_END && event.told().token() > highest.told().token()) {
        to.add(
            Check.C5, Rule.A4, "all is resolved, and the commit is not at the end", highest, event);
      }
    }
  }

  /** For each commit: every record before it had at least begun to be resolved. */
  private void resolved(String partition, List<Event> events) {
    List<Event> records =
        index.records.values().stream()
            .filter(record -> partition.equals(record.text()))
            .sorted(Comparator.comparingLong(record -> record.told().token()))
            .toList();
    List<Event> commits =
        events.stream()
            .filter(event -> event.kind() == Kind.COMMIT)
            .sorted(Comparator.comparingLong(commit -> commit.told().token()))
            .toList();
    // The earliest read of an offset is the strictest; later ones of smaller offsets ask for less.
    int at = commits.size() - 1;
    long strictest = Event.NEVER;
    Event commit = null;
    for (int i = records.size() - 1; i >= 0; i--) {
      Event record = records.get(i);
      while (at >= 0 && commits.get(at).told().token() > record.told().token()) {
        if (commits.get(at).completed() < strictest) {
          strictest = commits.get(at).completed();
          commit = commits.get(at);
        }
        at--;
      }
      Trace trace = index.traces.get(record.id());
      if (trace == null || commit == null) {
        continue;
      }
      if (began(trace) > strictest) {
        to.add(Check.C1, Rule.E1, "committed before it was resolved", record, commit);
        return;
      }
    }
  }

  /** When it may first have been resolved: acked, dead, or moved on with a delay. */
  private static long began(Trace trace) {
    long first = Event.NEVER;
    for (Hold hold : trace.holds) {
      for (Event act : hold.acts) {
        if (act.isSettlement() && act.mayHaveHappened() && (act.isEnd() || act.amount() > 0)) {
          first = Math.min(first, act.invoked());
        }
      }
    }
    return first;
  }
}
