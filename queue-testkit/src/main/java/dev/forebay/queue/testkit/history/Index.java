package dev.forebay.queue.testkit.history;

import dev.forebay.queue.testkit.history.Event.Kind;
import dev.forebay.queue.testkit.history.Event.Result;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The events of a history by message, by delivery and by process. Not changed once it is made. */
final class Index {

  /** When a queue object was open. */
  static final class Life {
    final int process;
    long opened;
    long ended = Event.NEVER;
    @Nullable Event close;

    Life(int process) {
      this.process = process;
    }
  }

  final Map<String, Trace> traces = new LinkedHashMap<>();
  final Map<Integer, Life> lives = new LinkedHashMap<>();
  final List<Event> enqueues = new ArrayList<>();
  final List<Event> polls = new ArrayList<>();
  final List<Event> looks = new ArrayList<>();
  final List<Event> redrives = new ArrayList<>();
  final List<Event> log = new ArrayList<>();
  final List<Event> records = new ArrayList<>();
  @Nullable Event drained;
  long last = Long.MIN_VALUE;
  int deliveries;
  private final Map<Long, Hold> holds = new HashMap<>();
  private final Map<Long, ArrayDeque<Event>> unknown = new HashMap<>();

  Index(History history) {
    for (Event event : history.events()) {
      last = Math.max(last, event.completed() == Event.NEVER ? event.invoked() : event.completed());
      live(event);
      stored(event);
    }
    for (Event event : history.events()) {
      handedOut(event);
    }
    for (Event event : history.events()) {
      settledOrSeen(event);
    }
    traces
        .values()
        .forEach(
            trace ->
                trace.holds.sort(
                    Comparator.comparingLong((Hold hold) -> hold.deliver.completed())
                        .thenComparingLong(hold -> hold.deliver.delivery())));
  }

  private void live(Event event) {
    switch (event.kind()) {
      case OPEN -> life(event.process()).opened = event.invoked();
      case CRASH -> {
        Life life = life(event.process());
        life.ended = Math.min(life.ended, event.invoked());
      }
      case CLOSE -> {
        Life life = life(event.process());
        if (life.close == null) {
          life.close = event;
        }
        life.ended = Math.min(life.ended, event.invoked());
      }
      case POLL -> polls.add(event);
      case LOOKED -> looks.add(event);
      case REDRIVE -> redrives.add(event);
      case DRAINED -> drained = event;
      case COMMIT, RESOLVED, LOG_END -> log.add(event);
      case RECORD -> {
        if (event.id() != null) {
          records.add(event);
        }
      }
      default -> {}
    }
  }

  private Life life(int process) {
    return lives.computeIfAbsent(process, Life::new);
  }

  private void stored(Event event) {
    if (event.kind() != Kind.ENQUEUE) {
      return;
    }
    enqueues.add(event);
    if (event.id() != null && event.result() == Result.OK) {
      Trace trace = trace(event.id());
      if (trace.enqueue == null) {
        trace.enqueue = event;
      } else {
        trace.duplicates.add(event);
      }
    } else if (event.id() != null && event.result() == Result.DUPLICATE) {
      trace(event.id()).duplicates.add(event);
    } else if (event.result() == Result.UNKNOWN) {
      unknown.computeIfAbsent(event.told().content(), content -> new ArrayDeque<>()).add(event);
    }
  }

  private void handedOut(Event event) {
    if (event.kind() != Kind.DELIVER || event.id() == null) {
      return;
    }
    deliveries++;
    Trace trace = trace(event.id());
    adopt(trace, event);
    Life life = lives.get(event.process());
    Hold hold = new Hold(event, life == null ? Event.NEVER : life.ended);
    trace.holds.add(hold);
    holds.put(event.delivery(), hold);
  }

  private void settledOrSeen(Event event) {
    Hold hold = holds.get(event.delivery());
    if (event.kind() == Kind.LOST) {
      if (hold != null && hold.lost == null) {
        hold.lost = event;
      }
    } else if (event.kind() == Kind.EXTEND || event.isSettlement()) {
      if (hold != null) {
        hold.acts.add(event);
      }
    } else if (event.kind() == Kind.FOUND && event.id() != null) {
      Trace trace = trace(event.id());
      adopt(trace, event);
      trace.found.add(event);
    }
  }

  /**
   * A message that nobody was told the id of may be one whose enqueue's answer was lost; and of two
   * that were enqueued at the same time with one dedup id, the broker chose which it stored.
   */
  private void adopt(Trace trace, Event seen) {
    Event told = trace.enqueue;
    long content = seen.told().content();
    if (told != null && told.told().content() == content) {
      return;
    }
    Event twin = told == null ? null : trace.storedInsteadOf(told, content);
    if (twin != null) {
      trace.duplicates.remove(twin);
      trace.duplicates.add(told);
      trace.enqueue = twin;
      return;
    }
    ArrayDeque<Event> lost = unknown.get(content);
    if (lost == null || lost.isEmpty()) {
      return;
    }
    if (told == null) {
      trace.enqueue = lost.poll();
      return;
    }
    String dedupId = told.told().dedupId();
    if (dedupId != null && dedupId.equals(lost.peek().told().dedupId())) {
      // Some brokers answer a duplicate with the id of its twin, which is the one that was stored.
      trace.duplicates.add(told);
      trace.enqueue = lost.poll();
    }
  }

  private Trace trace(String id) {
    return traces.computeIfAbsent(id, Trace::new);
  }

  /** Whether this process was open all that time. */
  boolean alive(int process, long from, long to) {
    Life life = lives.get(process);
    return life != null && life.opened <= from && life.ended >= to;
  }

  /** Whether anything was handed out in this time. */
  boolean deliveredBetween(long from, long to) {
    return holds.values().stream()
        .anyMatch(hold -> hold.deliver.completed() > from && hold.deliver.completed() < to);
  }

  /** Whether a process came or went in this time. */
  boolean moved(long from, long to) {
    return lives.values().stream()
        .anyMatch(
            life ->
                (life.opened > from && life.opened < to) || (life.ended > from && life.ended < to));
  }
}
