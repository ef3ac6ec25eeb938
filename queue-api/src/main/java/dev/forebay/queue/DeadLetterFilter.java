package dev.forebay.queue;

import java.time.Duration;
import java.time.Instant;

/**
 * Which dead letters: a condition on one, to be combined with {@link #and}, {@link #or} and {@link
 * #not}. The ones made here are immutable and thread-safe.
 *
 * <pre>{@code
 * byCause("OutOfMemory").and(byType("summarise")).and(olderThan(Duration.ofHours(1)))
 * }</pre>
 */
@FunctionalInterface
public interface DeadLetterFilter {

  /**
   * Whether it is one of them.
   *
   * @param item the dead letter
   * @param now the queue's time at the start of the call
   */
  boolean matches(DeadLetters.Item item, Instant now);

  /** Every dead letter. */
  static DeadLetterFilter all() {
    return (item, now) -> true;
  }

  /** Those whose {@linkplain DeadLetterCause#type() cause} is of this type. */
  static DeadLetterFilter byCause(String causeType) {
    return (item, now) -> item.letter().cause().type().equals(causeType);
  }

  /** Those whose message has this {@linkplain Message#type() type}. */
  static DeadLetterFilter byType(String type) {
    return (item, now) -> item.message().type().filter(type::equals).isPresent();
  }

  /** Those whose message has this {@linkplain Message#key() key}. */
  static DeadLetterFilter byKey(String key) {
    return (item, now) -> item.message().key().filter(key::equals).isPresent();
  }

  /** The one of this message id, and copies of it. */
  static DeadLetterFilter byId(String id) {
    return (item, now) -> item.id().equals(id);
  }

  /** Those first enqueued at least this long ago. */
  static DeadLetterFilter olderThan(Duration age) {
    return (item, now) -> age(item, now).compareTo(age) >= 0;
  }

  /** Those first enqueued less than this long ago. */
  static DeadLetterFilter youngerThan(Duration age) {
    return (item, now) -> age(item, now).compareTo(age) < 0;
  }

  /** Those for which both hold. */
  default DeadLetterFilter and(DeadLetterFilter other) {
    return (item, now) -> matches(item, now) && other.matches(item, now);
  }

  /** Those for which at least one holds. */
  default DeadLetterFilter or(DeadLetterFilter other) {
    return (item, now) -> matches(item, now) || other.matches(item, now);
  }

  /** Those for which this does not hold. */
  default DeadLetterFilter not() {
    return (item, now) -> !matches(item, now);
  }

  private static Duration age(DeadLetters.Item item, Instant now) {
    return Duration.between(item.enqueuedAt(), now);
  }
}
