package dev.forebay.queue.testkit.history;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.testkit.contract.Rule;
import dev.forebay.queue.testkit.history.Event.Kind;
import dev.forebay.queue.testkit.history.Event.Result;
import java.util.List;
import java.util.Set;

/** I7: a dead letter is in one place, once, with its cause. */
final class DeadLetterChecks {

  /** Causes that a backend gives on its own account. */
  private static final Set<String> OWN =
      Set.of(
          DeadLetterCause.MAX_RECEIVES,
          DeadLetterCause.LEASES_LOST,
          DeadLetterCause.MAX_ATTEMPTS,
          DeadLetterCause.UNDECODABLE);

  private final Index index;
  private final Findings to;

  private DeadLetterChecks(Index index, Findings to) {
    this.index = index;
    this.to = to;
  }

  static void run(Index index, Findings to) {
    DeadLetterChecks checks = new DeadLetterChecks(index, to);
    // What a redrive took away is not to be found any more.
    if (index.redrives.isEmpty()) {
      index.traces.values().forEach(checks::judge);
    }
  }

  private void judge(Trace trace) {
    Event dead = trace.act(Kind.DEAD, Result.OK);
    Event acked = trace.act(Kind.ACK, Result.OK);
    Event perhaps = trace.act(Kind.DEAD, Result.UNKNOWN);
    boolean first = true;
    for (Event look : index.looks) {
      if (look.result() != Result.OK) {
        continue;
      }
      List<Event> found =
          trace.found.stream().filter(event -> event.process() == look.process()).toList();
      if (found.isEmpty() && dead != null && dead.completed() < look.invoked()) {
        to.add(
            Check.I7,
            first ? Rule.D1 : Rule.D3,
            first
                ? "dead-lettered, and not among the dead letters"
                : "a dead letter was taken away by a look",
            dead,
            trace.found.isEmpty() ? null : trace.found.get(0),
            look);
        return;
      }
      first = false;
      if (found.size() > 1 && perhaps == null) {
        to.add(Check.I7, Rule.D1, "two dead letters of one message", found.get(0), found.get(1));
        return;
      }
      for (Event letter : found) {
        if (!causeIsRight(trace, letter)) {
          to.add(Check.I7, Rule.D2, "a dead letter of another cause", dead, perhaps, letter);
          return;
        }
        if (acked != null) {
          // After an unknown dead-lettering the source may go on: one more copy, as D1 allows.
          if (perhaps == null) {
            to.add(Check.I7, Rule.D1, "acked and a dead letter too", acked, letter);
            return;
          }
        }
      }
    }
  }

  private static boolean causeIsRight(Trace trace, Event letter) {
    String cause = letter.text();
    if (cause != null && OWN.contains(cause)) {
      return true;
    }
    return trace.holds.stream()
        .flatMap(hold -> hold.acts.stream())
        .anyMatch(
            act ->
                act.kind() == Kind.DEAD
                    && act.mayHaveHappened()
                    && act.text() != null
                    && act.text().equals(cause));
  }
}
