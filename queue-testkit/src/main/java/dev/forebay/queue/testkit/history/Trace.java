package dev.forebay.queue.testkit.history;

import dev.forebay.queue.testkit.history.Event.Kind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All that happened to one message. */
final class Trace {

  final String id;

  /** The enqueue that was told this id, or one of unknown outcome with this content. */
  @Nullable Event enqueue;

  final List<Event> duplicates = new ArrayList<>();
  final List<Hold> holds = new ArrayList<>();
  final List<Event> found = new ArrayList<>();

  Trace(String id) {
    this.id = id;
  }

  /** The first ack or dead-lettering that surely happened. */
  @Nullable Event end() {
    for (Hold hold : holds) {
      for (Event act : hold.acts) {
        if (act.isEnd() && act.happened()) {
          return act;
        }
      }
    }
    return null;
  }

  /** When the first ack or dead-lettering began that may have happened. */
  long perhapsEndedSince() {
    long since = Event.NEVER;
    for (Hold hold : holds) {
      for (Event act : hold.acts) {
        if (act.isEnd() && act.mayHaveHappened()) {
          since = Math.min(since, act.invoked());
        }
      }
    }
    return since;
  }

  @Nullable Event act(Kind kind, Event.Result result) {
    for (Hold hold : holds) {
      for (Event act : hold.acts) {
        if (act.kind() == kind && act.result() == result) {
          return act;
        }
      }
    }
    return null;
  }

  @Nullable String key() {
    if (enqueue != null) {
      return enqueue.told().key();
    }
    return holds.isEmpty() ? null : holds.get(0).deliver.told().key();
  }
}
