package dev.forebay.queue.policy;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Thrown by a handler when something downstream asks for less, such as an HTTP answer 429 with
 * Retry-After: the message comes back after that time and no attempt is burnt (R2).
 */
public class ThrottledException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final @Nullable Duration retryAfter;

  /**
   * A throttled attempt.
   *
   * @param retryAfter when to try again; null or zero: after the retry policy's backoff
   */
  public ThrottledException(String message, @Nullable Duration retryAfter) {
    super(message);
    if (retryAfter != null && retryAfter.isNegative()) {
      throw new IllegalArgumentException("A delay must not be negative: " + retryAfter);
    }
    this.retryAfter = retryAfter;
  }

  /** When to try again, if it was said. */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }
}
