package dev.forebay.queue.testkit.history;

import dev.forebay.queue.testkit.history.Event.Kind;
import dev.forebay.queue.testkit.history.Event.Result;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One delivery with what was done with it. The end of its lease is known to lie between {@link
 * #earliestEnd} and {@link #latestEnd}.
 */
final class Hold {

  final Event deliver;

  /** Settlements and extensions, in the order they began. */
  final List<Event> acts = new ArrayList<>();

  @Nullable Event lost;

  /** When its queue object was closed or killed; {@link Event#NEVER} when not. */
  final long gone;

  Hold(Event deliver, long gone) {
    this.deliver = deliver;
    this.gone = gone;
  }

  /** Before this, nothing but a settlement can have ended the lease, as known at this time. */
  long earliestEnd(long at) {
    long end = deliver.completed() + deliver.told().lease();
    for (Event act : acts) {
      if (act.kind() == Kind.EXTEND && act.invoked() <= at && act.mayHaveHappened()) {
        long moved = act.invoked() + act.amount();
        end = act.happened() && act.completed() < at ? moved : Math.min(end, moved);
      }
    }
    return end;
  }

  /** After this, the lease is over, if only what began by this time has moved it. */
  long latestEnd(long at) {
    long end = deliver.completed() + deliver.told().lease();
    for (Event act : acts) {
      if (act.kind() == Kind.EXTEND && act.invoked() <= at && act.mayHaveHappened()) {
        if (act.completed() == Event.NEVER) {
          return Event.NEVER;
        }
        long moved = act.completed() + act.amount();
        end = act.happened() ? moved : Math.max(end, moved);
      }
    }
    return end;
  }

  /** The last extension that surely happened before this time; it moved the lease's end last. */
  @Nullable Event lastExtension(long at) {
    Event last = null;
    for (Event act : acts) {
      if (act.kind() == Kind.EXTEND && act.happened() && act.invoked() < at) {
        last = act;
      }
    }
    return last;
  }

  /** The first settlement that surely happened. */
  @Nullable Event settled() {
    for (Event act : acts) {
      if (act.isSettlement() && act.happened()) {
        return act;
      }
    }
    return null;
  }

  /** The first settlement that may have happened. */
  @Nullable Event perhapsSettled() {
    for (Event act : acts) {
      if (act.isSettlement() && act.mayHaveHappened()) {
        return act;
      }
    }
    return null;
  }

  boolean hasUnknown() {
    return acts.stream().anyMatch(act -> act.isSettlement() && act.result() == Result.UNKNOWN);
  }

  /** Whether something that may have freed the message had begun by this time. */
  boolean perhapsFreedBefore(long at) {
    Event act = perhapsSettled();
    return act != null && act.invoked() <= at;
  }

  /** Whether its end was noticed before its time, or its process ended, before this time. */
  boolean goneBefore(long at) {
    return gone <= at || (lost != null && lost.invoked() <= at);
  }

  /** Whether it surely came after the other one. */
  boolean surelyAfter(Hold other) {
    return deliver.invoked() >= other.deliver.completed();
  }
}
