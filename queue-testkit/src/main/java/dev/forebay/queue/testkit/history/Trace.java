package dev.forebay.queue.testkit.history;

import dev.forebay.queue.testkit.history.Event.Kind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All that happened to one message. */
final class Trace {

  final String id;

  /**
   * The enqueue that was told this id, or one of unknown outcome with this content; of several with
   * one dedup id, the one that was stored.
   */
  @Nullable Event enqueue;

  final List<Event> duplicates = new ArrayList<>();
  final List<Hold> holds = new ArrayList<>();
  final List<Event> found = new ArrayList<>();

  Trace(String id) {
    this.id = id;
  }

  /**
   * Another enqueue with the same dedup id and this content, under way at the same time: whichever
   * of the two answers came first, this one may be what the broker stored.
   */
  @Nullable Event storedInsteadOf(Event told, long content) {
    String dedupId = told.told().dedupId();
    for (Event twin : duplicates) {
      if (dedupId != null
          && dedupId.equals(twin.told().dedupId())
          && content == twin.told().content()
          && twin.invoked() <= told.completed()
          && told.invoked() <= twin.completed()) {
        return twin;
      }
    }
    return null;
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
