package dev.forebay.queue.policy;

import dev.forebay.queue.DeadLetterCause;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.Predicate;

/**
 * What a failed attempt leads to: another one after a {@link Backoff}, or the dead letters, after
 * {@link #maxAttempts(int)} of them (5 unless set) or at once when the failure is terminal (R5).
 *
 * <p>Immutable and thread-safe, as far as the predicates given are; each setter-like method returns
 * a changed copy.
 */
public final class RetryPolicy {

  private static final int DEFAULT_MAX_ATTEMPTS = 5;

  private final Backoff backoff;
  private final int maxAttempts;
  private final Predicate<Throwable> terminal;

  private RetryPolicy(Backoff backoff, int maxAttempts, Predicate<Throwable> terminal) {
    this.backoff = Objects.requireNonNull(backoff);
    this.maxAttempts = maxAttempts;
    this.terminal = terminal;
  }

  /** Retries with exponential backoff and full jitter; see {@link Backoff#exponential}. */
  public static RetryPolicy exponential(Duration base, Duration cap) {
    return backoff(Backoff.exponential(base, cap));
  }

  /** Retries with this backoff. */
  public static RetryPolicy backoff(Backoff backoff) {
    return new RetryPolicy(backoff, DEFAULT_MAX_ATTEMPTS, failure -> false);
  }

  /**
   * This policy with another number of attempts, the first one included: 1 never retries, {@link
   * Integer#MAX_VALUE} always does.
   */
  public RetryPolicy maxAttempts(int attempts) {
    if (attempts < 1) {
      throw new IllegalArgumentException("A message needs at least 1 attempt, not " + attempts);
    }
    return new RetryPolicy(backoff, attempts, terminal);
  }

  /** This policy, with failures of these classes and their subclasses terminal as well. */
  @SafeVarargs
  public final RetryPolicy terminal(Class<? extends Throwable>... failures) {
    List<Class<?>> classes = new ArrayList<>();
    for (Class<?> type : failures) {
      classes.add(type);
    }
    return terminalWhen(failure -> classes.stream().anyMatch(type -> type.isInstance(failure)));
  }

  /**
   * This policy, with failures that pass this test terminal as well. The test must be thread-safe.
   */
  public RetryPolicy terminalWhen(Predicate<Throwable> test) {
    return new RetryPolicy(backoff, maxAttempts, terminal.or(test));
  }

  /** The backoff between attempts. */
  public Backoff backoff() {
    return backoff;
  }

  /** How many attempts a message has, the first one included. */
  public int maxAttempts() {
    return maxAttempts;
  }

  /**
   * What to do after a failure. A failure that only wraps another one for a future ({@link
   * ExecutionException}, {@link CompletionException}) is judged by what it wraps.
   *
   * @param attempt 1-based, the one that failed
   * @param failure what the attempt ended with
   * @param salt tells messages apart, such as their id; see {@link Backoff#delay(int, String)}
   */
  public RetryDecision decide(int attempt, Throwable failure, String salt) {
    Throwable real = unwrap(failure);
    if (terminal.test(real)) {
      return new RetryDecision.DeadLetter(DeadLetterCause.of(real));
    }
    return decide(attempt, DeadLetterCause.of(real), salt);
  }

  /**
   * What to do after a failure that is no exception and is not terminal.
   *
   * @param attempt 1-based, the one that failed
   * @param cause what the dead letter is to say if this was the last attempt
   * @param salt tells messages apart, such as their id
   */
  public RetryDecision decide(int attempt, DeadLetterCause cause, String salt) {
    return attempt >= maxAttempts
        ? new RetryDecision.DeadLetter(cause)
        : new RetryDecision.Retry(backoff.delay(attempt, salt));
  }

  private static Throwable unwrap(Throwable failure) {
    Throwable real = failure;
    while ((real instanceof ExecutionException || real instanceof CompletionException)
        && real.getCause() != null) {
      real = real.getCause();
    }
    return real;
  }

  @Override
  public String toString() {
    return "RetryPolicy[" + maxAttempts + " attempts, " + backoff + "]";
  }
}
