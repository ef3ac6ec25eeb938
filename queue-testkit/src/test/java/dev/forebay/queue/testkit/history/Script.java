package dev.forebay.queue.testkit.history;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Capabilities;
import dev.forebay.queue.testkit.history.Event.Draft;
import dev.forebay.queue.testkit.history.Event.Kind;
import dev.forebay.queue.testkit.history.Event.Result;
import dev.forebay.queue.testkit.history.Event.Told;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A history made by hand, in milliseconds: two queue objects, opened at 0, leases of 10 s. Every
 * call takes a millisecond.
 */
final class Script {

  static final Duration LEASE = Duration.ofSeconds(10);
  private static final int PROCESSES = 2;

  static final Capabilities CAN =
      Capabilities.builder("script")
          .lease(Duration.ofMillis(1), Duration.ofHours(1))
          .lateness(Duration.ofMillis(100))
          .delays(Duration.ofDays(1), Duration.ofDays(1))
          .dedupWindow(Duration.ofMinutes(1))
          .ordering(Capabilities.Ordering.PER_KEY)
          .attempts(Capabilities.AttemptPrecision.EXACT, true)
          .deadLetters(true)
          .build();

  private final List<Event> events = new ArrayList<>();
  private final Map<Long, Event> deliveries = new HashMap<>();
  private final Map<String, Event> enqueues = new HashMap<>();
  private long lastDelivery;

  Script() {
    for (int process = 1; process <= PROCESSES; process++) {
      add(draft(Kind.OPEN, process, 0), 0, Result.OK);
    }
  }

  History history() {
    return History.of(events);
  }

  Verdict judge() {
    return checker().check(history());
  }

  static HistoryChecker checker() {
    return HistoryChecker.of(CAN)
        .lease(LEASE)
        .grace(Duration.ofSeconds(1))
        .times(Duration.ZERO, Duration.ofMillis(10));
  }

  Script enqueue(String id, long at) {
    return enqueue(id, at, Result.OK, null, null, 0);
  }

  Script enqueue(
      String id,
      long at,
      Result result,
      @Nullable String key,
      @Nullable String dedupId,
      long delay) {
    Draft draft =
        draft(Kind.ENQUEUE, 1, at)
            .id(result == Result.UNKNOWN || result == Result.FAILED ? null : id)
            .amount(Duration.ofMillis(delay))
            .told(new Told(key, dedupId, content(id), 0, Attempts.NONE, 0, 0));
    enqueues.put(id, add(draft, 1, result));
    return this;
  }

  /** An enqueue of another content that was answered as a duplicate of a message. */
  Script duplicate(String id, String content, long at, String dedupId) {
    Draft draft =
        draft(Kind.ENQUEUE, 1, at)
            .id(id)
            .told(new Told(null, dedupId, content(content), 0, Attempts.NONE, 0, 0));
    add(draft, 1, Result.DUPLICATE);
    return this;
  }

  long deliver(String id, long at) {
    return deliver(id, at, Attempts.NONE);
  }

  long deliver(String id, long at, Attempts attempts) {
    return deliver(1, id, at, attempts, content(id), lastDelivery + 1, LEASE.toMillis());
  }

  long deliver(
      int process, String id, long at, Attempts attempts, long content, long token, long lease) {
    Event enqueue = enqueues.get(id);
    String key = enqueue == null ? null : enqueue.told().key();
    long number = ++lastDelivery;
    Draft draft =
        draft(Kind.DELIVER, process, at)
            .about(number, id)
            .told(new Told(key, null, content, token, attempts, 5, lease * 1_000_000));
    deliveries.put(number, add(draft, 1, Result.OK));
    return number;
  }

  Script ack(long delivery, long at) {
    return act(Kind.ACK, delivery, at, Result.OK, 0);
  }

  Script act(Kind kind, long delivery, long at, Result result, long amount) {
    Event delivered = delivered(delivery);
    Draft draft =
        draft(kind, delivered.process(), at)
            .about(delivery, delivered.id())
            .amount(Duration.ofMillis(amount))
            .text(kind == Kind.DEAD ? "Poison" : null);
    if (kind == Kind.EXTEND && result == Result.OK) {
      draft.told(new Told(null, null, 0, 0, Attempts.NONE, 0, amount * 1_000_000));
    }
    add(draft, 1, result);
    return this;
  }

  Script lost(long delivery, long at) {
    Event delivered = delivered(delivery);
    add(draft(Kind.LOST, delivered.process(), at).about(delivery, delivered.id()), 0, Result.OK);
    return this;
  }

  Script poll(int process, long at, int asked, int came, long wait, long took) {
    Draft draft = draft(Kind.POLL, process, at).counts(asked, came).amount(Duration.ofMillis(wait));
    add(draft, took, Result.OK);
    return this;
  }

  Script found(int look, String id, long at, String cause) {
    Draft draft =
        draft(Kind.FOUND, look, at)
            .id(id)
            .text(cause)
            .told(new Told(null, null, content(id), 0, Attempts.NONE, 5, 0));
    add(draft, 0, Result.OK);
    return this;
  }

  Script mark(Kind kind, int process, long at, long took) {
    add(draft(kind, process, at), took, Result.OK);
    return this;
  }

  Script log(Kind kind, @Nullable String id, long at, long offset) {
    Draft draft =
        draft(kind, 0, at)
            .id(id)
            .text("t-0")
            .told(new Told(null, null, 0, offset, Attempts.NONE, 0, 0));
    add(draft, 0, Result.OK);
    return this;
  }

  /** A committed offset as it was read at this time. */
  Script commit(long at, long offset, int metadata, int term) {
    Draft draft =
        draft(Kind.COMMIT, 0, at)
            .text("t-0")
            .counts(term, metadata)
            .told(new Told(null, null, 0, offset, Attempts.NONE, 0, 0));
    add(draft, 0, Result.OK);
    return this;
  }

  Script drained(long at) {
    return mark(Kind.DRAINED, 0, at, 0);
  }

  static long content(String id) {
    return id.hashCode() + 1_000_000L;
  }

  private Event delivered(long delivery) {
    Event delivered = deliveries.get(delivery);
    if (delivered == null) {
      throw new IllegalArgumentException("no delivery " + delivery);
    }
    return delivered;
  }

  private static Draft draft(Kind kind, int process, long at) {
    return new Draft(kind, process, at * 1_000_000);
  }

  private Event add(Draft draft, long took, Result result) {
    Event event = draft.end(draft.invoked() + took * 1_000_000, result);
    events.add(event);
    return event;
  }
}
