package dev.forebay.queue.policy;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a failure says about the next attempt, and about whose fault it was. */
public sealed interface FailureKind {

  /** Another attempt may work: it counts, and is retried after the backoff. */
  record Transient() implements FailureKind {}

  /**
   * Something downstream asks for less: the attempt does not count (R2), and the message comes back
   * after the time asked for.
   *
   * @param retryAfter the time asked for; empty: by the backoff
   */
  record Throttled(Optional<Duration> retryAfter) implements FailureKind {}

  /** No further attempt can work: to the dead letters at once (R5). */
  record Terminal() implements FailureKind {}

  /**
   * The message itself is bad: to the dead letters at once, like a terminal failure, but it says
   * nothing against the rest of its type, so that breakers do not count it.
   */
  record Poison() implements FailureKind {}

  /** Another attempt may work. */
  static FailureKind transientFailure() {
    return new Transient();
  }

  /** Fewer, please, and again after this time; null: after the backoff. */
  static FailureKind throttled(@Nullable Duration retryAfter) {
    return new Throttled(Optional.ofNullable(retryAfter));
  }

  /** No further attempt can work. */
  static FailureKind terminal() {
    return new Terminal();
  }

  /** The message itself is bad. */
  static FailureKind poison() {
    return new Poison();
  }
}
