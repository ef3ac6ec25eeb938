package dev.forebay.queue.testkit.history;

import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.testkit.history.Event.Draft;
import dev.forebay.queue.testkit.history.Event.Kind;
import dev.forebay.queue.testkit.history.Event.Result;
import dev.forebay.queue.time.TimeSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Notes what is called on queues and what they answer: {@link #record} puts it in front of each
 * queue object of a run, {@link #history} is what happened. Thread-safe; costs each call two looks
 * at the clock and some 200 bytes.
 */
public final class HistoryRecorder {

  /** Some 200 MB; a run with more says so with a bound of its own. */
  private static final int DEFAULT_BOUND = 1_000_000;

  private final TimeSource time;
  private final int bound;
  private final ConcurrentLinkedQueue<Event> events = new ConcurrentLinkedQueue<>();
  private final Set<Draft> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger size = new AtomicInteger();
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicInteger processes = new AtomicInteger();
  private final AtomicLong deliveries = new AtomicLong();

  /** A recorder of at most a million events, under the clock that the queues run by. */
  public HistoryRecorder(TimeSource time) {
    this(time, DEFAULT_BOUND);
  }

  /**
   * A recorder under the clock that the queues run by.
   *
   * @param bound most events kept; those beyond it are counted, and nothing can be decided by such
   *     a history
   */
  public HistoryRecorder(TimeSource time, int bound) {
    this.time = time;
    this.bound = bound;
  }

  /** The queue, with everything that is called on it noted: one more process of the run. */
  public WorkQueue record(WorkQueue queue) {
    int process = processes.incrementAndGet();
    now(Kind.OPEN, process);
    return new RecordedWorkQueue(queue, this, process);
  }

  /** Notes that this queue object, of {@link #record}, was killed. */
  public void crashed(WorkQueue recorded) {
    now(Kind.CRASH, process(recorded));
  }

  /**
   * Notes that everything was polled and settled until nothing came any more, for longer than any
   * lease and delay: what has not been seen by now is lost.
   */
  public void drained() {
    now(Kind.DRAINED, 0);
  }

  /** Notes all dead letters that are listed here. */
  public void look(DeadLetters letters) {
    int look = processes.incrementAndGet();
    Draft draft = begin(Kind.LOOKED, look);
    DeadLetters.Listing listing = letters.list((item, now) -> true, Integer.MAX_VALUE);
    for (DeadLetters.Item item : listing) {
      Draft found = begin(Kind.FOUND, look);
      found
          .id(item.id())
          .text(item.letter().cause().type())
          .told(
              RecordedWorkQueue.told(
                  item.message(), 0, item.letter().attempts(), item.enqueuedAt(), 0));
      end(found, Result.OK);
    }
    end(draft, listing.cut() ? Result.UNKNOWN : Result.OK);
  }

  /**
   * Notes a dead letter that was polled from the dead letters' own queue.
   *
   * @param look a number for all that were polled together, from {@link #beginLook}
   */
  public void found(int look, Delivery delivery) {
    Draft found = begin(Kind.FOUND, look);
    found
        .id(delivery.id())
        .text(delivery.deadLetter().map(letter -> letter.cause().type()).orElse(""))
        .told(
            RecordedWorkQueue.told(
                delivery.message(), 0, delivery.attempts(), delivery.enqueuedAt(), 0));
    end(found, Result.OK);
  }

  /** A number for {@link #found}. */
  public int beginLook() {
    return processes.incrementAndGet();
  }

  /** Notes that all dead letters were polled under this number. */
  public void endLook(int look) {
    now(Kind.LOOKED, look);
  }

  /** Notes in which record of a log a message is (C1, C3, C4); each copy of it has its own. */
  public void position(String partition, long offset, String id) {
    Draft draft = begin(Kind.RECORD, 0);
    draft.id(id).text(partition).told(offset(offset));
    end(draft, Result.OK);
  }

  /**
   * Notes a committed offset that was just read (C1, C2, C8).
   *
   * @param since when the read began, by the recorder's clock
   * @param metadata length of the commit's metadata
   */
  public void commit(String partition, long offset, int metadata, long since) {
    commit(partition, offset, metadata, 0, since);
  }

  /**
   * Notes a committed offset that was just read (C1, C2, C7, C8).
   *
   * @param since when the read began, by the recorder's clock
   * @param metadata length of the commit's metadata
   * @param term what the metadata says of who committed it, above 0 and larger each time that the
   *     partition changes hands; 0 where it says nothing
   */
  public void commit(String partition, long offset, int metadata, int term, long since) {
    Draft draft = begin(Kind.COMMIT, 0, since);
    draft.text(partition).counts(term, metadata).told(offset(offset));
    end(draft, Result.OK);
  }

  /**
   * Notes that a record beyond the committed offset is resolved, as the commit's metadata says that
   * was just read (C1, C3).
   *
   * @param since when the read began, by the recorder's clock
   */
  public void resolved(String partition, long offset, long since) {
    Draft draft = begin(Kind.RESOLVED, 0, since);
    draft.text(partition).told(offset(offset));
    end(draft, Result.OK);
  }

  /** Notes the end of a log, when everything is resolved (C5). */
  public void logEnd(String partition, long offset) {
    Draft draft = begin(Kind.LOG_END, 0);
    draft.text(partition).told(offset(offset));
    end(draft, Result.OK);
  }

  private static Event.Told offset(long offset) {
    Event.Told none = Event.Told.NOTHING;
    return new Event.Told(null, null, 0, offset, none.attempts(), 0, 0);
  }

  /** What happened so far; calls without an answer yet are in it as such. */
  public History history() {
    List<Event> all = new ArrayList<>(events);
    for (Draft draft : open) {
      all.add(draft.end(Event.NEVER, Result.UNKNOWN));
    }
    return new History(all, dropped.get());
  }

  TimeSource time() {
    return time;
  }

  long nextDelivery() {
    return deliveries.incrementAndGet();
  }

  private static int process(WorkQueue recorded) {
    return recorded.unwrap(RecordedWorkQueue.class).process();
  }

  /** Notes that a call begins; it is in the history from now on. */
  Draft begin(Kind kind, int process) {
    return begin(kind, process, time.nanoTime());
  }

  Draft begin(Kind kind, int process, long invoked) {
    Draft draft = new Draft(kind, process, invoked);
    if (reserve()) {
      open.add(draft);
    }
    return draft;
  }

  private boolean reserve() {
    if (size.incrementAndGet() <= bound) {
      return true;
    }
    size.decrementAndGet();
    dropped.incrementAndGet();
    return false;
  }

  /** Notes how a call ended. */
  void end(Draft draft, Result result) {
    end(draft, time.nanoTime(), result);
  }

  void end(Draft draft, long completed, Result result) {
    if (open.contains(draft)) {
      // In between it is there twice rather than not at all; history() is read when all is quiet.
      events.add(draft.end(completed, result));
      open.remove(draft);
    }
  }

  /** Takes back what turned out to be nothing to note. */
  void forget(Draft draft) {
    if (open.remove(draft)) {
      size.decrementAndGet();
    }
  }

  private void now(Kind kind, int process) {
    end(begin(kind, process), Result.OK);
  }
}
