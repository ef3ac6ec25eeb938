package dev.forebay.queue.testkit.history;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.testkit.contract.Rule;
import dev.forebay.queue.testkit.history.Event.Kind;
import dev.forebay.queue.testkit.history.Event.Result;

/** I6, I10: attempts grow as their causes say, a release's delay is kept. */
final class AttemptChecks {

  private final Index index;
  private final Findings to;

  private AttemptChecks(Index index, Findings to) {
    this.index = index;
    this.to = to;
  }

  static void run(Index index, Findings to) {
    AttemptChecks checks = new AttemptChecks(index, to);
    for (Trace trace : index.traces.values()) {
      checks.first(trace);
      Hold before = null;
      int burned = 0;
      for (Hold hold : trace.holds) {
        if (before != null && hold.surelyAfter(before)) {
          checks.early(before, hold);
          if (to.exact()) {
            checks.counted(before, hold);
          } else {
            burned += checks.burned(before, hold) ? 1 : 0;
            checks.tooLow(burned, before, hold);
          }
        }
        before = hold;
      }
    }
  }

  private void first(Trace trace) {
    Event enqueue = trace.enqueue;
    if (trace.holds.isEmpty() || enqueue == null) {
      return;
    }
    Event deliver = trace.holds.get(0).deliver;
    if (deliver.completed() + to.granularity() < enqueue.invoked() + enqueue.amount()) {
      to.add(
          Check.I9,
          Rule.E4,
          "delivered "
              + Findings.seconds(enqueue.invoked() + enqueue.amount() - deliver.completed())
              + " before its delay was over",
          enqueue,
          deliver);
    }
    Attempts attempts = deliver.told().attempts();
    if (to.exact() && attempts.failed() + attempts.returned() > 0) {
      to.add(Check.I6, Rule.R2, "failed or was returned before it was first delivered", deliver);
    }
  }

  private void early(Hold before, Hold next) {
    Event settled = before.settled();
    if (settled == null
        || settled.isEnd()
        || before.hasUnknown()
        || settled.invoked() >= next.deliver.completed()) {
      return;
    }
    long due = settled.invoked() + settled.amount();
    if (next.deliver.completed() + to.granularity() < due) {
      to.add(
          Check.I10,
          Rule.R1,
          "came back " + Findings.seconds(due - next.deliver.completed()) + " too early",
          settled,
          next.deliver);
    }
  }

  private void counted(Hold before, Hold next) {
    Event settled = before.settled();
    long at = next.deliver.completed();
    boolean redriven = index.redrives.stream().anyMatch(redrive -> redrive.invoked() < at);
    if (redriven || (settled != null && settled.isEnd())) {
      return;
    }
    boolean freed = before.perhapsFreedBefore(at);
    boolean live = at + to.granularity() < before.earliestEnd(at);
    if (settled == null && (freed ? before.hasUnknown() : live)) {
      // It was released, or it was not and its lease ended: either is counted as it was.
      between(before, next, 0, 1);
      return;
    }
    Attempts first = before.deliver.told().attempts();
    Attempts second = next.deliver.told().attempts();
    boolean free =
        settled != null && settled.kind() == Kind.RETURN && to.can.returnsWithoutAttempt();
    if (second.next() < first.next() + (free ? 0 : 1)) {
      to.add(
          Check.I6,
          Rule.R2,
          "an attempt is missing from the count",
          before.deliver,
          settled,
          next.deliver);
      return;
    }
    boolean failed = settled != null && settled.kind() == Kind.RELEASE;
    between(before, next, failed ? 1 : 0, failed || before.hasUnknown() ? 1 : 0);
  }

  /** Whether this delivery surely cost an attempt. */
  private boolean burned(Hold hold, Hold next) {
    Event settled = hold.settled();
    if (settled == null) {
      return hold.perhapsSettled() == null && hold.latestEnd(Event.NEVER) < next.deliver.invoked();
    }
    return settled.kind() == Kind.RELEASE
        || (settled.kind() == Kind.RETURN && !to.can.returnsWithoutAttempt());
  }

  /** Where counts are not exact a number may be too high for a while, never too low. */
  private void tooLow(int burned, Hold before, Hold next) {
    if (index.redrives.isEmpty() && next.deliver.told().attempts().next() < 1 + burned) {
      to.add(
          Check.I6,
          Rule.R2,
          "after " + burned + " attempts that count",
          before.deliver,
          before.settled(),
          next.deliver);
    }
  }

  /** How many failures came to the count. */
  private void between(Hold before, Hold next, int least, int most) {
    Attempts first = before.deliver.told().attempts();
    Attempts second = next.deliver.told().attempts();
    int failures = second.failed() - first.failed();
    int returns = second.returned() - first.returned();
    boolean returned =
        before.acts.stream()
            .anyMatch(act -> act.kind() == Kind.RETURN && act.result() != Result.STALE);
    if (failures < least || failures > most || returns < 0 || returns > (returned ? 1 : 0)) {
      to.add(
          Check.I6,
          Rule.R2,
          "counted under the wrong cause",
          before.deliver,
          before.perhapsSettled(),
          next.deliver);
    }
  }
}
