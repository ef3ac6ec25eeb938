package dev.forebay.queue.testkit.history;

import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.testkit.contract.Rule;
import dev.forebay.queue.testkit.history.Event.Kind;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** C1 to C5, C7, C8: what a consumer group's committed offsets and their metadata say. */
final class LogChecks {

  /** What a Kafka broker takes by default. */
  private static final int MOST_METADATA = 4_096;

  private final Index index;
  private final Findings to;

  /** The last of a message's records that was seen to be resolved, and when. */
  private final Map<String, Event> lastShown = new HashMap<>();

  /** Messages of which a record was never seen to be resolved. */
  private final Set<String> open = new HashSet<>();

  private LogChecks(Index index, Findings to) {
    this.index = index;
    this.to = to;
  }

  static void run(Index index, Findings to) {
    LogChecks checks = new LogChecks(index, to);
    Map<String, List<Event>> log = byPartition(index.log);
    Map<String, List<Event>> records = byPartition(index.records);
    log.forEach(
        (partition, events) -> {
          checks.commits(events);
          List<Event> held = records.getOrDefault(partition, List.of());
          checks.resolved(held, events);
          checks.reachesTheEnd(held, events);
        });
    index.records.forEach(checks::neverSeen);
    checks.handedOutAgain();
  }

  private static Map<String, List<Event>> byPartition(List<Event> events) {
    Map<String, List<Event>> out = new HashMap<>();
    for (Event event : events) {
      out.computeIfAbsent(String.valueOf(event.text()), p -> new ArrayList<>()).add(event);
    }
    return out;
  }

  private static long offset(Event event) {
    return event.told().token();
  }

  private void commits(List<Event> log) {
    Event highest = null;
    Event newest = null;
    for (Event event : log) {
      if (event.kind() != Kind.COMMIT) {
        continue;
      }
      if (event.came() > MOST_METADATA) {
        to.add(Check.C8, Rule.A4, "metadata of " + event.came() + " characters", event);
      }
      if (highest != null && isAfter(event, highest) && offset(event) < offset(highest)) {
        to.add(Check.C2, Rule.A2, "a committed offset went back", highest, event);
      }
      if (highest == null || offset(event) >= offset(highest)) {
        highest = event;
      }
      if (event.asked() == 0) {
        continue;
      }
      if (newest != null && isAfter(event, newest) && event.asked() < newest.asked()) {
        to.add(Check.C7, Rule.L5, "somebody committed whose time was over", newest, event);
      }
      if (newest == null || event.asked() >= newest.asked()) {
        newest = event;
      }
    }
  }

  private static boolean isAfter(Event one, Event other) {
    return other.completed() < one.invoked();
  }

  private void reachesTheEnd(List<Event> records, List<Event> log) {
    if (index.drained == null) {
      return;
    }
    Event highest =
        log.stream()
            .filter(event -> event.kind() == Kind.COMMIT)
            .max(Comparator.comparingLong(LogChecks::offset))
            .orElse(null);
    for (Event event : log) {
      if (event.kind() != Kind.LOG_END) {
        continue;
      }
      if (highest == null && !records.isEmpty()) {
        to.add(Check.C5, Rule.A4, "all is resolved, and nothing was committed", event);
      } else if (highest != null && offset(event) > offset(highest)) {
        to.add(
            Check.C5, Rule.A4, "all is resolved, and the commit is not at the end", highest, event);
      }
    }
  }

  /**
   * What is said to be resolved, by an offset beyond it or by the metadata, had at least begun to
   * be.
   */
  private void resolved(List<Event> unsorted, List<Event> log) {
    List<Event> records = sorted(unsorted, Kind.RECORD);
    List<Event> commits = sorted(log, Kind.COMMIT);
    Map<Long, Event> told = new HashMap<>();
    for (Event event : sorted(log, Kind.RESOLVED)) {
      told.merge(offset(event), event, LogChecks::earlier);
    }
    // The earliest read of an offset is the strictest; later ones of smaller offsets ask for less.
    int at = commits.size() - 1;
    Event commit = null;
    boolean found = false;
    for (int i = records.size() - 1; i >= 0; i--) {
      Event record = records.get(i);
      while (at >= 0 && offset(commits.get(at)) > offset(record)) {
        commit = earlier(commits.get(at), commit);
        at--;
      }
      Event shown = told.get(offset(record));
      shown = shown == null ? commit : earlier(shown, commit);
      Trace trace = index.traces.get(record.id());
      if (trace == null) {
        continue;
      }
      if (shown == null) {
        open.add(trace.id);
      } else if (began(trace) <= shown.completed()) {
        lastShown.merge(trace.id, shown, LogChecks::later);
      } else {
        open.add(trace.id);
        if (!found) {
          to.add(Check.C1, Rule.E1, "committed before it was resolved", record, shown);
        }
        found = true;
      }
    }
  }

  private static List<Event> sorted(List<Event> events, Kind kind) {
    return events.stream()
        .filter(event -> event.kind() == kind)
        .sorted(Comparator.comparingLong(LogChecks::offset))
        .toList();
  }

  private static Event earlier(Event one, @Nullable Event other) {
    return other == null || one.completed() <= other.completed() ? one : other;
  }

  private static Event later(Event one, Event other) {
    return one.completed() >= other.completed() ? one : other;
  }

  /** When it may first have been resolved: acked, dead, or moved on with a delay. */
  private long began(Trace trace) {
    // Where a key's order is strict, what waits stays where it is.
    boolean moves = trace.key() == null || to.terms.keyPolicy() == KeyPolicy.RELAXED;
    long first = Event.NEVER;
    for (Hold hold : trace.holds) {
      for (Event act : hold.acts) {
        boolean resolves = act.isEnd() || (moves && act.amount() > 0);
        if (act.isSettlement() && act.mayHaveHappened() && resolves) {
          first = Math.min(first, act.invoked());
        }
      }
    }
    return first;
  }

  /** C4, for what nobody was told to be stored; all else that is lost is found as I1. */
  private void neverSeen(Event record) {
    Trace trace = index.traces.get(record.id());
    boolean seen =
        trace != null
            && (!trace.holds.isEmpty() || !trace.found.isEmpty() || trace.enqueue != null);
    if (index.drained != null && !seen) {
      to.add(Check.C4, Rule.E1, "a record that was never delivered", record);
    }
  }

  /** C3: all records of a message were told to be resolved, and a later poll returned it. */
  private void handedOutAgain() {
    lastShown.forEach(
        (id, shown) -> {
          Trace trace = index.traces.get(id);
          if (trace == null || open.contains(id)) {
            return;
          }
          for (Hold hold : trace.holds) {
            if (hold.deliver.invoked() > shown.completed()) {
              to.add(
                  Check.C3, Rule.A2, "handed out after it was told resolved", shown, hold.deliver);
              return;
            }
          }
        });
  }
}
