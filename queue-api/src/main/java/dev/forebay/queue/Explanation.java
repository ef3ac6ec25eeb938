package dev.forebay.queue;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * Why a message is where it is: what {@link WorkQueue#explain} found out. Of one moment; a message
 * may have moved on since. Immutable.
 *
 * @param id the message's id, as asked for
 * @param state where it is
 * @param until when its delay or lease ends; empty otherwise
 * @param sentence the same and what else is known, for people: since when and by whom it is held,
 *     what it waits for, what it died of. Names ids, never keys or bodies
 */
public record Explanation(String id, State state, Optional<Instant> until, String sentence) {

  /** Where a message is. */
  public enum State {
    /** It may be delivered now and waits for a poll. */
    READY,
    /** It waits for an earlier message of its key to be settled (K1). */
    WAITING_FOR_KEY,
    /** It waits for the end of its delay (E4, R1). */
    DELAYED,
    /** Somebody holds it under a lease. */
    LEASED,
    /** It is among the dead letters, or on its way there. */
    DEAD_LETTERED,
    /** It surely is not in the queue: done, discarded, or never enqueued. */
    ABSENT,
    /** This backend, or this process, does not know. */
    UNKNOWN
  }

  /** Rejects null. */
  public Explanation {
    Objects.requireNonNull(id);
    Objects.requireNonNull(state);
    Objects.requireNonNull(until);
    Objects.requireNonNull(sentence);
  }

  /** A state without an end that is known. */
  public static Explanation of(String id, State state, String sentence) {
    return new Explanation(id, state, Optional.empty(), sentence);
  }

  /** A state that ends by itself. */
  public static Explanation until(String id, State state, Instant end, String sentence) {
    return new Explanation(id, state, Optional.of(end), sentence);
  }

  /** Nothing is known, and why. */
  public static Explanation unknown(String id, String sentence) {
    return of(id, State.UNKNOWN, sentence);
  }
}
