package dev.forebay.queue.testkit.history;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.testkit.contract.Rule;
import dev.forebay.queue.testkit.history.Event.Kind;
import java.time.Duration;

/** I5, I8 and P4: one live lease a message, with half of it left, growing tokens, told losses. */
final class LeaseChecks {

  private final Index index;
  private final Findings to;

  private LeaseChecks(Index index, Findings to) {
    this.index = index;
    this.to = to;
  }

  static void run(Index index, Findings to) {
    LeaseChecks checks = new LeaseChecks(index, to);
    for (Trace trace : index.traces.values()) {
      Hold before = null;
      for (Hold hold : trace.holds) {
        checks.handedOut(hold);
        checks.extended(hold);
        checks.told(hold);
        if (before != null) {
          checks.exclusive(before, hold);
          checks.token(before, hold);
        }
        before = hold;
      }
    }
  }

  private void handedOut(Hold hold) {
    Duration lease = to.terms.lease();
    if (lease == null) {
      return;
    }
    long left = hold.deliver.told().lease();
    // It may be held up on its way to who polled, which is not the queue's fault.
    if (left + to.granularity() + late() < lease.toNanos() / 2) {
      to.add(Check.I5, Rule.P4, "handed out with less than half of its lease left", hold.deliver);
    }
  }

  private long late() {
    return to.terms.tolerance().toNanos() / 4;
  }

  private void extended(Hold hold) {
    for (Event act : hold.acts) {
      if (act.kind() != Kind.EXTEND || !act.happened()) {
        continue;
      }
      Event settled = hold.settled();
      long left = act.told().lease();
      boolean over = settled != null && settled.invoked() < act.completed();
      boolean another =
          hold.acts.stream()
              .anyMatch(
                  other ->
                      !other.equals(act)
                          && other.kind() == Kind.EXTEND
                          && other.completed() > act.invoked()
                          && other.invoked() < act.completed());
      if (over || another || hold.perhapsFreedBefore(act.completed())) {
        continue;
      }
      if (left > act.amount() + to.granularity()) {
        to.add(Check.I5, Rule.L3, "extended beyond what was asked for", hold.deliver, act);
        return;
      }
      long asked = act.amount() - (act.completed() - act.invoked());
      if (left + to.granularity() + late() < asked && !hold.goneBefore(act.completed())) {
        to.add(
            Check.I5,
            Rule.L3,
            "an extension left " + Findings.seconds(left) + " of the lease",
            hold.deliver,
            act);
        return;
      }
    }
  }

  private void exclusive(Hold before, Hold next) {
    long at = next.deliver.completed();
    long end = before.earliestEnd(at);
    if (at + to.granularity() >= end || before.perhapsFreedBefore(at) || to.mayBeGone(before, at)) {
      return;
    }
    Event extension = before.lastExtension(at);
    boolean extended =
        extension != null && at > before.deliver.completed() + before.deliver.told().lease();
    to.addExcusable(
        Check.I5,
        extended ? Rule.L3 : early(before, next) ? Rule.L2 : Rule.L1,
        "handed out again "
            + Findings.seconds(end - at)
            + " before the end of "
            + (extended ? "an extended lease" : "a live lease"),
        before.deliver,
        extension,
        next.deliver);
  }

  /** Whether the queue counts the first lease as one that ended: then it ended it too early. */
  private static boolean early(Hold before, Hold next) {
    return next.deliver.told().token() > before.deliver.told().token()
        && next.deliver.told().attempts().next() > before.deliver.told().attempts().next();
  }

  private void token(Hold before, Hold next) {
    if (to.can.fencing() != Capabilities.Fencing.STRICT) {
      return;
    }
    long first = before.deliver.told().token();
    long second = next.deliver.told().token();
    boolean grows = next.surelyAfter(before) ? second > first : second != first;
    if (!grows) {
      to.add(
          Check.I8,
          Rule.L5,
          "a fencing token that is not larger than an earlier one",
          before.deliver,
          next.deliver);
    }
  }

  private void told(Hold hold) {
    Event settled = hold.settled();
    Event lost = hold.lost;
    if (lost == null) {
      long end = hold.latestEnd(Event.NEVER);
      Duration lease = to.terms.lease();
      long interval = lease == null ? hold.deliver.told().lease() : lease.toNanos();
      if (end != Event.NEVER
          && hold.perhapsSettled() == null
          && Math.min(hold.gone, index.last) > end + interval + to.late()) {
        to.add(Check.I8, Rule.L4, "the loss of its lease was never told", hold.deliver);
      }
      return;
    }
    if (settled != null && settled.invoked() <= lost.completed()) {
      to.add(Check.I8, Rule.L4, "settled, and called lost", hold.deliver, settled, lost);
      return;
    }
    if (!to.leasesMayEndEarly()
        && hold.gone > lost.invoked()
        && !hold.perhapsFreedBefore(lost.invoked())
        && lost.invoked() + to.granularity() < hold.earliestEnd(lost.invoked())) {
      to.add(Check.I8, Rule.L1, "a lease was lost before its end", hold.deliver, lost);
    }
  }
}
