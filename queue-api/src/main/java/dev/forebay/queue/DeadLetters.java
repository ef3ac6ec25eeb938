package dev.forebay.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The dead letters of one queue, to look at and to decide about (D3): {@link
 * WorkQueue#deadLetters()}.
 *
 * <pre>{@code
 * queue.deadLetters().list(byCause("OutOfMemory")).forEach(this::look);
 * queue.deadLetters().redrive(byType("summarise"), RedriveOptions.perSecond(50));
 * }</pre>
 *
 * <p>Every call asks the broker and returns when it is done, on the caller's thread. What somebody
 * else holds under a lease, by polling the dead letters as a queue, may be left out; so is what
 * died in another queue that shares the destination. When the calling thread is interrupted a call
 * returns what it has so far, as cut, and the interrupt flag stays set.
 *
 * <p>Every method throws a {@link QueueException} when the broker cannot be asked. Thread-safe; two
 * redrives of the same dead letters at the same time may leave one more copy of a message, with the
 * same id.
 */
public interface DeadLetters {

  /** How many items {@link #list(DeadLetterFilter)} returns at most. */
  int DEFAULT_MAX = 1_000;

  /**
   * A dead letter with its message.
   *
   * @param id the message's id, the same as while it lived
   * @param message the message, byte for byte as it was enqueued (E3)
   * @param enqueuedAt when it was first enqueued
   * @param letter what it died of
   */
  record Item(String id, Message message, Instant enqueuedAt, DeadLetter letter) {}

  /**
   * Dead letters that were found.
   *
   * @param items in no order that every broker keeps
   * @param cut whether there may be more of them: the maximum was reached, or the call ended early
   */
  record Listing(List<Item> items, boolean cut) implements Iterable<Item> {

    /** Copies the list. */
    public Listing {
      items = List.copyOf(items);
    }

    @Override
    public Iterator<Item> iterator() {
      return items.iterator();
    }
  }

  /**
   * How many there are.
   *
   * @param count dead letters that match
   * @param oldestAge time since the one of them was enqueued that was enqueued first
   * @param cut whether there may be more
   */
  record Summary(long count, Optional<Duration> oldestAge, boolean cut) {}

  /**
   * What a redrive or discard did, or in a dry run would do. {@code matched} is the sum of the
   * three that follow it.
   *
   * @param matched dead letters that the filter let through
   * @param done redriven or discarded
   * @param skipped left where they are because they were redriven too often already
   * @param failed left where they are because it failed, by the kind of failure; after {@link
   *     ErrorCode#AMBIGUOUS} a copy may have arrived as well
   * @param cut whether the run ended before it had seen every dead letter: its maximum was reached,
   *     the broker refused everything, or the thread was interrupted
   */
  record Report(long matched, long done, long skipped, Map<ErrorCode, Long> failed, boolean cut) {

    /** Copies the map. */
    public Report {
      failed = Map.copyOf(failed);
    }

    /** How many failed, whatever the kind. */
    public long failures() {
      return failed.values().stream().mapToLong(Long::longValue).sum();
    }
  }

  /** As {@link #list(DeadLetterFilter, int)} with {@link #DEFAULT_MAX}. */
  default Listing list(DeadLetterFilter filter) {
    return list(filter, DEFAULT_MAX);
  }

  /**
   * Looks at dead letters without consuming them: a second call finds the same.
   *
   * @param max how many to return at most; they are all in memory at once
   * @throws IllegalArgumentException when {@code max} is below 1
   */
  Listing list(DeadLetterFilter filter, int max);

  /**
   * Counts dead letters, by looking at each.
   *
   * @param filter which ones
   */
  Summary summary(DeadLetterFilter filter);

  /**
   * Brings dead letters back to the queue they belong to: each is enqueued there once more and then
   * removed here. The message starts again at attempt 1 and keeps its id, first-enqueued time, key,
   * headers and dedup id, and its deadline too. Messages of one key come back in no promised order.
   *
   * <p>A run that ended early, by a crash too, is resumed by calling this again: what was redriven
   * is gone from here. A crash between the two steps leaves one more copy with the same id, never
   * none (D1). A dedup id is kept, but does not count as a second enqueue (U1).
   *
   * @return what was done, also when some failed
   */
  Report redrive(DeadLetterFilter filter, RedriveOptions options);

  /** Removes dead letters for good; {@link RedriveOptions#maxRedrives} does not apply. */
  Report discard(DeadLetterFilter filter, RedriveOptions options);
}
