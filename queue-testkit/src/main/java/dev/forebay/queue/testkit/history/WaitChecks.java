package dev.forebay.queue.testkit.history;

import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.testkit.contract.Rule;
import dev.forebay.queue.testkit.history.Event.Kind;
import dev.forebay.queue.testkit.history.Event.Result;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * I14: what could be delivered was not, although every queue object was polled meanwhile and had
 * room. With order, a message of a key counts from when the ones before it were done with.
 */
final class WaitChecks {

  /** One poll may have looked just before; this many, all begun after the bound, did not. */
  private static final int LOOKS = 2;

  private final Index index;
  private final Findings to;
  private final Map<Integer, List<Event>> rooms = new HashMap<>();
  private final Map<String, Long> clear = new HashMap<>();

  private WaitChecks(Index index, Findings to) {
    this.index = index;
    this.to = to;
    for (Event poll : index.polls) {
      if (poll.result() == Result.OK && poll.came() < poll.asked() && poll.text() == null) {
        rooms.computeIfAbsent(poll.process(), process -> new ArrayList<>()).add(poll);
      }
    }
  }

  static void run(Index index, Findings to) {
    if (to.terms.hidden()) {
      return;
    }
    WaitChecks checks = new WaitChecks(index, to);
    if (to.ordered()) {
      KeyChecks.byKey(index).values().forEach(checks::clearTimes);
    }
    index.traces.values().forEach(checks::judge);
  }

  /** For each message of a key, when all that may stand before it was surely done with. */
  private void clearTimes(List<Trace> ofKey) {
    List<Trace> sorted = new ArrayList<>(ofKey);
    sorted.sort(
        Comparator.comparingLong(
            trace -> trace.enqueue == null ? Event.NEVER : trace.enqueue.invoked()));
    boolean relaxed = to.terms.keyPolicy() == KeyPolicy.RELAXED;
    List<Event> lost =
        index.enqueues.stream()
            .filter(e -> e.result() == Result.UNKNOWN)
            .filter(e -> e.told().key() != null && e.told().key().equals(sorted.get(0).key()))
            .toList();
    for (Trace trace : sorted) {
      long clearAt = Long.MIN_VALUE;
      for (Trace other : sorted) {
        if (other == trace) {
          continue;
        }
        Event mine = trace.enqueue;
        Event theirs = other.enqueue;
        // A delayed message may come in anywhere; under the relaxed policy a failed one, too.
        boolean before =
            relaxed
                || mine == null
                || theirs == null
                || mine.amount() > 0
                || theirs.amount() > 0
                || theirs.invoked() <= mine.completed();
        if (before) {
          Event end = other.end();
          clearAt = Math.max(clearAt, end == null ? Event.NEVER : end.completed());
        }
      }
      clear.put(trace.id, lost.isEmpty() ? clearAt : Event.NEVER);
    }
  }

  private void judge(Trace trace) {
    Event enqueue = trace.enqueue;
    if (enqueue == null || !enqueue.happened()) {
      return;
    }
    long cleared = clear.getOrDefault(trace.id, Long.MIN_VALUE);
    if (cleared == Event.NEVER) {
      return;
    }
    Event next = trace.holds.isEmpty() ? null : trace.holds.get(0).deliver;
    Rule rule = enqueue.amount() > 0 ? Rule.E4 : trace.key() == null ? Rule.R4 : Rule.K3;
    late(Math.max(cleared, enqueue.completed() + enqueue.amount()), next, rule, enqueue, null);
    for (int i = 0; i < trace.holds.size(); i++) {
      Hold hold = trace.holds.get(i);
      next = i + 1 < trace.holds.size() ? trace.holds.get(i + 1).deliver : null;
      Event settled = hold.settled();
      if (settled == null) {
        if (hold.perhapsSettled() == null) {
          lateAfterLease(hold, next, cleared);
        }
      } else if (!settled.isEnd() && !hold.hasUnknown()) {
        long due = Math.max(cleared, settled.completed() + settled.amount());
        late(due, next, Rule.R1, hold.deliver, settled);
      }
    }
  }

  private void lateAfterLease(Hold hold, @Nullable Event next, long cleared) {
    long end = hold.latestEnd(Event.NEVER);
    if (end == Event.NEVER) {
      return;
    }
    if (hold.gone <= end) {
      end += to.can.failureDetection().toNanos();
    }
    late(Math.max(cleared, end), next, Rule.L2, hold.deliver, hold.lastExtension(Event.NEVER));
  }

  private void late(long due, @Nullable Event next, Rule rule, Event since, @Nullable Event more) {
    long came = next == null ? index.last : next.completed();
    if (next == null && index.drained != null) {
      came = Math.min(came, index.drained.invoked());
    }
    long bound = due + to.late();
    if (came <= bound) {
      return;
    }
    // A group that forms anew takes as long as it takes to notice that one left it.
    long forming = to.can.failureDetection().toNanos();
    if (forming > 0 && index.moved(since.invoked() - forming, came)) {
      bound += forming;
    }
    // Where deliveries come through lanes or members, a line of messages moves as fast as they do.
    boolean moves = forming > 0 && index.deliveredBetween(bound, came);
    Event seen = moves ? null : polledBetween(bound, came);
    if (seen != null) {
      Rule named = since.kind() == Kind.ENQUEUE ? rule : more == null ? Rule.L2 : rule;
      to.add(
          Check.I14,
          named,
          "waited " + Findings.seconds(came - due) + " although it could have been delivered",
          since,
          more,
          seen,
          next);
    }
  }

  /** A poll that found nothing more, if every object that was open all the while had such polls. */
  private @Nullable Event polledBetween(long from, long to) {
    Event seen = null;
    for (Index.Life life : index.lives.values()) {
      if (!index.alive(life.process, from, to)) {
        continue;
      }
      int looks = 0;
      for (Event poll : rooms.getOrDefault(life.process, List.of())) {
        if (poll.invoked() >= from && poll.completed() < to) {
          seen = poll;
          looks++;
        }
      }
      if (looks < LOOKS) {
        return null;
      }
    }
    return seen;
  }
}
