package dev.forebay.queue.testkit.history;

import dev.forebay.queue.testkit.contract.Rule;
import dev.forebay.queue.testkit.history.Event.Kind;
import dev.forebay.queue.testkit.history.Event.Result;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** I4, I13: one settlement decides, and only while the lease is live. */
final class SettlementChecks {

  private final Index index;
  private final Findings to;

  private SettlementChecks(Index index, Findings to) {
    this.index = index;
    this.to = to;
  }

  static void run(Index index, Findings to) {
    SettlementChecks checks = new SettlementChecks(index, to);
    for (Trace trace : index.traces.values()) {
      List<Hold> holds = trace.holds;
      for (int i = 0; i < holds.size(); i++) {
        checks.late(holds.get(i), i + 1 < holds.size() ? holds.get(i + 1) : null);
        checks.twice(holds.get(i));
        checks.refused(holds, i);
      }
    }
  }

  private void late(Hold hold, @Nullable Hold next) {
    for (Event act : hold.acts) {
      if (!act.happened()) {
        continue;
      }
      long end = hold.latestEnd(act.invoked());
      if (end != Event.NEVER && act.invoked() > end + to.granularity()) {
        to.add(
            Check.I4,
            rule(act),
            "OK " + Findings.seconds(act.invoked() - end) + " after its lease had ended",
            hold.deliver,
            act);
        return;
      }
      if (next != null
          && to.strict()
          && next.surelyAfter(hold)
          && next.deliver.completed() < act.invoked()) {
        to.add(
            Check.I4,
            rule(act),
            "OK after the message was delivered again",
            hold.deliver,
            next.deliver,
            act);
        return;
      }
    }
  }

  private static Rule rule(Event act) {
    return switch (act.kind()) {
      case ACK -> Rule.A3;
      case EXTEND -> Rule.L3;
      default -> Rule.A1;
    };
  }

  private void twice(Hold hold) {
    Event first = null;
    for (Event act : hold.acts) {
      if (!act.happened()) {
        continue;
      }
      if (first != null && (act.isSettlement() || act.invoked() > first.completed())) {
        to.add(Check.I13, Rule.A1, "OK after another settlement had decided", first, act);
        return;
      }
      if (act.isSettlement()) {
        first = act;
      }
    }
  }

  /** A STALE needs a reason. */
  private void refused(List<Hold> holds, int at) {
    Hold hold = holds.get(at);
    for (Event act : hold.acts) {
      if (act.result() != Result.STALE) {
        continue;
      }
      boolean settled =
          hold.acts.stream()
              .anyMatch(
                  other ->
                      !other.equals(act)
                          && other.isSettlement()
                          && other.mayHaveHappened()
                          && other.invoked() <= act.completed());
      boolean over =
          act.completed() + to.granularity() >= hold.earliestEnd(act.completed())
              || (hold.lost != null && hold.lost.invoked() <= act.completed() + grain());
      if (settled || over || ended(hold, act)) {
        continue;
      }
      Hold next = at + 1 < holds.size() ? holds.get(at + 1) : null;
      if (next != null && next.deliver.invoked() <= act.completed()) {
        // That the message is in other hands already is what I5 tells.
        continue;
      }
      Index.Life life = index.lives.get(hold.deliver.process());
      boolean closing = life != null && life.ended <= act.completed();
      Event late = staleAck(holds, at, act);
      to.add(
          Check.I13,
          closing ? Rule.S1 : late != null ? Rule.A3 : Rule.A1,
          late != null
              ? "STALE after a stale ack of an earlier delivery"
              : "STALE although its lease is live and nothing has settled it",
          hold.deliver,
          late,
          act);
      return;
    }
  }

  private long grain() {
    return Math.max(to.granularity(), Duration.ofMillis(1).toNanos());
  }

  /** Whether its process was over, or as much of its close as is promised. */
  private boolean ended(Hold hold, Event act) {
    Index.Life life = index.lives.get(hold.deliver.process());
    if (life == null || life.ended > act.completed()) {
      return false;
    }
    Event close = life.close;
    Duration grace = to.terms.grace();
    return close == null
        || close.invoked() > life.ended
        || close.completed() <= act.completed()
        || grace == null
        || act.completed() - close.invoked() + to.granularity() >= grace.toNanos();
  }

  private static @Nullable Event staleAck(List<Hold> holds, int at, Event act) {
    for (int i = 0; i < at; i++) {
      for (Event earlier : holds.get(i).acts) {
        if (earlier.kind() == Kind.ACK
            && earlier.result() == Result.STALE
            && earlier.completed() <= act.completed()
            && earlier.completed() >= holds.get(at).deliver.invoked()) {
          return earlier;
        }
      }
    }
    return null;
  }
}
