package dev.forebay.queue.testkit.history;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.testkit.contract.Rule;
import dev.forebay.queue.testkit.history.Event.Kind;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** I1, I2, I3: what is stored comes out, unchanged, until it is acked. */
final class MessageChecks {

  private final Index index;
  private final Findings to;
  private final Map<Long, Set<String>> idsByContent = new HashMap<>();

  private MessageChecks(Index index, Findings to) {
    this.index = index;
    this.to = to;
    for (Event enqueue : index.enqueues) {
      if (enqueue.id() != null && enqueue.happened()) {
        idsByContent
            .computeIfAbsent(enqueue.told().content(), content -> new HashSet<>())
            .add(enqueue.id());
      }
    }
  }

  static void run(Index index, Findings to) {
    MessageChecks checks = new MessageChecks(index, to);
    for (Trace trace : index.traces.values()) {
      checks.lost(trace);
      checks.invented(trace);
      checks.changed(trace);
      checks.returned(trace);
    }
  }

  private void lost(Trace trace) {
    Event enqueue = trace.enqueue;
    if (index.drained == null
        || (enqueue == null && trace.holds.isEmpty() && trace.duplicates.isEmpty())
        || trace.perhapsEndedSince() != Event.NEVER
        || !trace.found.isEmpty()) {
      return;
    }
    if (trace.holds.isEmpty()) {
      if (enqueue != null && enqueue.happened()) {
        to.add(Check.I1, Rule.E1, "stored, and never delivered", enqueue);
      } else if (enqueue == null) {
        // Its twin may have been enqueued before the recorder was there; then it says nothing.
        Event duplicate = trace.duplicates.get(0);
        if (twinIsKnown(duplicate)) {
          to.add(Check.I12, Rule.U3, "called a duplicate, and its twin never came", duplicate);
        }
      }
      return;
    }
    Hold last = trace.holds.get(trace.holds.size() - 1);
    Event settled = last.perhapsSettled();
    if (settled == null) {
      to.add(
          Check.I1,
          Rule.L2,
          "its lease ended without a settlement, and it never came again",
          last.deliver,
          last.lost);
    } else {
      to.add(Check.I1, Rule.R1, "given back, and it never came again", last.deliver, settled);
    }
  }

  private boolean twinIsKnown(Event duplicate) {
    String dedupId = duplicate.told().dedupId();
    return dedupId != null
        && index.enqueues.stream()
            .anyMatch(
                other ->
                    dedupId.equals(other.told().dedupId())
                        && other.invoked() < duplicate.invoked()
                        && other.happened());
  }

  private void invented(Trace trace) {
    if (trace.enqueue == null && trace.duplicates.isEmpty()) {
      Event seen = seen(trace);
      if (seen == null || undecodable(trace)) {
        return;
      }
      // A copy of one that was dead-lettered has its content: the source was left behind.
      Trace source = twin(trace, seen);
      Event death = source == null ? null : source.act(Kind.DEAD, Event.Result.OK);
      if (death != null) {
        to.add(Check.I2, Rule.D1, "a dead-lettered message goes on as another", death, seen);
      } else {
        to.add(Check.I2, Rule.E3, "nobody enqueued a message of this id", seen);
      }
    }
  }

  private static @Nullable Event seen(Trace trace) {
    if (!trace.holds.isEmpty()) {
      return trace.holds.get(0).deliver;
    }
    return trace.found.isEmpty() ? null : trace.found.get(0);
  }

  private static boolean undecodable(Trace trace) {
    return trace.holds.isEmpty()
        && trace.found.stream().allMatch(e -> DeadLetterCause.UNDECODABLE.equals(e.text()));
  }

  private @Nullable Trace twin(Trace trace, Event seen) {
    for (String id : idsByContent.getOrDefault(seen.told().content(), Set.of())) {
      if (!id.equals(trace.id)) {
        return index.traces.get(id);
      }
    }
    return null;
  }

  private void changed(Trace trace) {
    Event enqueue = trace.enqueue;
    if (enqueue == null) {
      return;
    }
    Event age = null;
    for (Hold hold : trace.holds) {
      Event deliver = hold.deliver;
      if (deliver.told().content() != enqueue.told().content()) {
        boolean another =
            !idsByContent
                .getOrDefault(deliver.told().content(), Set.of(trace.id))
                .contains(trace.id);
        to.add(
            Check.I2,
            another ? Rule.E2 : Rule.E3,
            another
                ? "the outcome of this enqueue names another message"
                : "body, key, type or headers changed",
            enqueue,
            deliver);
        return;
      }
      if (age != null && deliver.told().enqueuedAt() != age.told().enqueuedAt()) {
        to.add(Check.I2, Rule.P3, "its first-enqueued time changed", age, deliver);
        return;
      }
      age = deliver;
    }
    for (Event found : trace.found) {
      if (found.told().content() != enqueue.told().content()) {
        to.add(Check.I7, Rule.D2, "body, key, type or headers changed", enqueue, found);
        return;
      }
      if (age != null && found.told().enqueuedAt() != age.told().enqueuedAt()) {
        to.add(Check.I7, Rule.D2, "its first-enqueued time changed", age, found);
        return;
      }
    }
  }

  private void returned(Trace trace) {
    Event end = trace.end();
    if (end == null) {
      return;
    }
    for (Hold hold : trace.holds) {
      Event deliver = hold.deliver;
      if (deliver.delivery() == end.delivery() || deliver.invoked() <= end.completed()) {
        continue;
      }
      if (end.kind() == Kind.DEAD) {
        if (index.redrives.stream().noneMatch(redrive -> redrive.invoked() < deliver.completed())) {
          to.add(Check.I7, Rule.D1, "delivered after it was dead-lettered", end, deliver);
        }
        return;
      }
      Index.Life life = index.lives.get(end.process());
      boolean closed = life != null && life.ended < deliver.completed();
      to.addExcusable(
          Check.I3,
          closed ? Rule.A4 : Rule.A2,
          closed ? "an ack was lost when its queue object closed" : "delivered after it was acked",
          end,
          deliver);
      return;
    }
  }
}
