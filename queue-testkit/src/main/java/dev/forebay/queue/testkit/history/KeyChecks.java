package dev.forebay.queue.testkit.history;

import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.testkit.contract.Rule;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** I11: the messages of a key come one at a time and, under the strict policy, in order. */
final class KeyChecks {

  private final Findings to;

  private KeyChecks(Findings to) {
    this.to = to;
  }

  static void run(Index index, Findings to) {
    if (!to.ordered()) {
      return;
    }
    KeyChecks checks = new KeyChecks(to);
    for (List<Trace> ofKey : byKey(index).values()) {
      checks.oneAtATime(ofKey);
      if (to.terms.keyPolicy() == KeyPolicy.STRICT) {
        checks.inOrder(ofKey);
      }
    }
  }

  static Map<String, List<Trace>> byKey(Index index) {
    Map<String, List<Trace>> byKey = new HashMap<>();
    for (Trace trace : index.traces.values()) {
      String key = trace.key();
      if (key != null) {
        byKey.computeIfAbsent(key, k -> new ArrayList<>()).add(trace);
      }
    }
    return byKey;
  }

  private void oneAtATime(List<Trace> ofKey) {
    List<Hold> holds = new ArrayList<>();
    ofKey.forEach(trace -> holds.addAll(trace.holds));
    holds.sort(
        Comparator.comparingLong((Hold hold) -> hold.deliver.completed())
            .thenComparingLong(hold -> hold.deliver.delivery()));
    List<Hold> live = new ArrayList<>();
    for (Hold next : holds) {
      long at = next.deliver.completed();
      live.removeIf(
          hold ->
              at + to.granularity() >= hold.earliestEnd(at)
                  || hold.perhapsFreedBefore(at)
                  || to.mayBeGone(hold, at));
      for (Hold hold : live) {
        if (!String.valueOf(hold.deliver.id()).equals(next.deliver.id())) {
          to.add(
              Check.I11,
              Rule.K1,
              "two messages of one key in hand at once",
              hold.deliver,
              next.deliver);
          return;
        }
      }
      live.add(next);
    }
  }

  private void inOrder(List<Trace> ofKey) {
    // A delay is the message's own wish to come later.
    List<Trace> earlier = new ArrayList<>();
    List<Trace> later = new ArrayList<>();
    for (Trace trace : ofKey) {
      Event enqueue = trace.enqueue;
      if (enqueue != null && enqueue.happened()) {
        later.add(trace);
        boolean setAside = !trace.found.isEmpty() && trace.perhapsEndedSince() == Event.NEVER;
        if (enqueue.amount() == 0 && !setAside) {
          earlier.add(trace);
        }
      }
    }
    earlier.sort(Comparator.comparingLong(trace -> enqueue(trace).completed()));
    later.sort(Comparator.comparingLong(trace -> enqueue(trace).invoked()));
    int at = 0;
    Trace open = null;
    for (Trace trace : later) {
      while (at < earlier.size()
          && enqueue(earlier.get(at)).completed() < enqueue(trace).invoked()) {
        Trace candidate = earlier.get(at++);
        if (open == null || candidate.perhapsEndedSince() > open.perhapsEndedSince()) {
          open = candidate;
        }
      }
      if (open != null && open != trace && !trace.holds.isEmpty()) {
        Event deliver = trace.holds.get(0).deliver;
        if (deliver.completed() < open.perhapsEndedSince()) {
          to.add(
              Check.I11,
              Rule.K1,
              "delivered before an earlier message of its key was done with",
              enqueue(open),
              firstDelivery(open),
              end(open),
              enqueue(trace),
              deliver);
          return;
        }
      }
    }
  }

  private static Event enqueue(Trace trace) {
    Event enqueue = trace.enqueue;
    if (enqueue == null) {
      throw new IllegalStateException("No enqueue of " + trace.id);
    }
    return enqueue;
  }

  private static @Nullable Event firstDelivery(Trace trace) {
    return trace.holds.isEmpty() ? null : trace.holds.get(0).deliver;
  }

  private static @Nullable Event end(Trace trace) {
    return trace.end();
  }
}
