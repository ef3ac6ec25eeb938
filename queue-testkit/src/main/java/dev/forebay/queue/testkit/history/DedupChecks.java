package dev.forebay.queue.testkit.history;

import dev.forebay.queue.testkit.contract.Rule;
import dev.forebay.queue.testkit.history.Event.Result;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** I12: one dedup id is one message inside the window, and two afterwards. */
final class DedupChecks {

  private final Findings to;

  private DedupChecks(Findings to) {
    this.to = to;
  }

  static void run(Index index, Findings to) {
    if (to.can.dedupWindow().isZero()) {
      return;
    }
    DedupChecks checks = new DedupChecks(to);
    Map<String, List<Event>> byId = new HashMap<>();
    for (Event enqueue : index.enqueues) {
      String dedupId = enqueue.told().dedupId();
      if (dedupId != null) {
        byId.computeIfAbsent(dedupId, id -> new ArrayList<>()).add(enqueue);
      } else if (enqueue.result() == Result.DUPLICATE) {
        to.add(Check.I12, Rule.U1, "a duplicate without a dedup id", enqueue);
      }
    }
    for (List<Event> same : byId.values()) {
      for (int i = 0; i < same.size(); i++) {
        checks.judge(same, i);
      }
    }
  }

  private void judge(List<Event> same, int at) {
    Event enqueue = same.get(at);
    if (enqueue.result() == Result.OK) {
      Event twin = stored(same, at, enqueue);
      if (twin != null) {
        to.add(Check.I12, Rule.U1, "stored twice inside the dedup window", twin, enqueue);
      }
    } else if (enqueue.result() == Result.DUPLICATE) {
      Event remembered = perhapsRemembered(same, enqueue);
      if (remembered == null) {
        Event before = at > 0 ? same.get(at - 1) : null;
        to.add(
            Check.I12, Rule.U1, "a duplicate of nothing inside the dedup window", before, enqueue);
      }
    }
  }

  /** An earlier one that was surely stored, surely inside the window, as another message. */
  private @Nullable Event stored(List<Event> same, int at, Event enqueue) {
    long window = to.can.dedupWindow().toNanos();
    for (int i = at - 1; i >= 0; i--) {
      Event other = same.get(i);
      if (other.result() == Result.OK
          && other.completed() < enqueue.invoked()
          && enqueue.completed() - other.invoked() + to.granularity() < window
          && other.id() != null
          && !other.id().equals(enqueue.id())) {
        return other;
      }
    }
    return null;
  }

  private @Nullable Event perhapsRemembered(List<Event> same, Event enqueue) {
    // Some brokers count a window from the last duplicate, and all of them by their own clock.
    long slack = to.can.dedupWindow().toNanos() + to.late();
    for (Event other : same) {
      if (!other.equals(enqueue)
          && other.mayHaveHappened()
          && other.invoked() <= enqueue.completed()
          && (other.completed() == Event.NEVER || enqueue.invoked() - other.completed() <= slack)) {
        return other;
      }
    }
    return null;
  }
}
