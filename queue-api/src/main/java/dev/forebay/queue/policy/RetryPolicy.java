package dev.forebay.queue.policy;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What a failed attempt leads to, by the {@link FailureKind} of its failure: another one after a
 * {@link Backoff}; the same one again after a throttling downstream's own time; or the dead
 * letters, after {@link #maxAttempts(int)} failures (5 unless set) or at once when the failure is
 * terminal (R5).
 *
 * <p>Attempts are bounded by cause. Only failures count against {@link #maxAttempts}; lost leases
 * have a bound of their own, {@link #maxLostLeases(int)}; what was returned untouched or throttled
 * has none. Where a queue knows causes only per process ({@link
 * dev.forebay.queue.Capabilities.AttemptPrecision#CAUSE_PER_PROCESS}) failures in other processes
 * look like lost leases, so a message has at most the sum of both bounds.
 *
 * <p>A failure is transient unless the classifiers, which are asked first and in the order they
 * were added, or the terminal and poison tests say otherwise; a {@link ThrottledException}, and a
 * {@link QueueException} with {@link ErrorCode#THROTTLED}, is throttled.
 *
 * <p>Immutable and thread-safe, as far as the functions given are; each setter-like method returns
 * a changed copy.
 */
public final class RetryPolicy {

  private static final int DEFAULT_MAX_ATTEMPTS = 5;
  private static final int DEFAULT_MAX_LOST_LEASES = 5;

  private final Backoff backoff;
  private final int maxAttempts;
  private final int maxLostLeases;
  private final Function<Throwable, @Nullable FailureKind> classifier;

  private RetryPolicy(
      Backoff backoff,
      int maxAttempts,
      int maxLostLeases,
      Function<Throwable, @Nullable FailureKind> classifier) {
    this.backoff = Objects.requireNonNull(backoff);
    this.maxAttempts = maxAttempts;
    this.maxLostLeases = maxLostLeases;
    this.classifier = classifier;
  }

  /** Retries with exponential backoff and full jitter; see {@link Backoff#exponential}. */
  public static RetryPolicy exponential(Duration base, Duration cap) {
    return backoff(Backoff.exponential(base, cap));
  }

  /** Retries with this backoff. */
  public static RetryPolicy backoff(Backoff backoff) {
    return new RetryPolicy(backoff, DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_LOST_LEASES, failure -> null);
  }

  /**
   * This policy with another number of attempts that may fail, the first one included: 1 never
   * retries, {@link Integer#MAX_VALUE} always does.
   */
  public RetryPolicy maxAttempts(int attempts) {
    if (attempts < 1) {
      throw new IllegalArgumentException("A message needs at least 1 attempt, not " + attempts);
    }
    return new RetryPolicy(backoff, attempts, maxLostLeases, classifier);
  }

  /**
   * This policy, dead-lettering without another run a message of which this many leases were lost,
   * 5 unless set: one that kills its process each time must not do so for ever.
   */
  public RetryPolicy maxLostLeases(int leases) {
    if (leases < 1) {
      throw new IllegalArgumentException("A message may lose at least 1 lease, not " + leases);
    }
    return new RetryPolicy(backoff, maxAttempts, leases, classifier);
  }

  /** This policy, with failures of these classes and their subclasses terminal as well. */
  @SafeVarargs
  public final RetryPolicy terminal(Class<? extends Throwable>... failures) {
    List<Class<? extends Throwable>> classes = new ArrayList<>();
    for (Class<? extends Throwable> type : failures) {
      classes.add(type);
    }
    return terminalWhen(isOneOf(classes));
  }

  /**
   * This policy, with failures that pass this test terminal as well. The test must be thread-safe.
   */
  public RetryPolicy terminalWhen(Predicate<Throwable> test) {
    Objects.requireNonNull(test);
    return classify(failure -> test.test(failure) ? FailureKind.terminal() : null);
  }

  /**
   * This policy, with failures of these classes and their subclasses the message's own fault: see
   * {@link FailureKind.Poison}.
   */
  @SafeVarargs
  public final RetryPolicy poison(Class<? extends Throwable>... failures) {
    List<Class<? extends Throwable>> classes = new ArrayList<>();
    for (Class<? extends Throwable> type : failures) {
      classes.add(type);
    }
    Predicate<Throwable> test = isOneOf(classes);
    return classify(failure -> test.test(failure) ? FailureKind.poison() : null);
  }

  /**
   * This policy, asking this function as well what kind a failure is.
   *
   * @param added answers null for a failure it does not know; must be thread-safe
   */
  public RetryPolicy classify(Function<Throwable, @Nullable FailureKind> added) {
    Objects.requireNonNull(added);
    Function<Throwable, @Nullable FailureKind> before = classifier;
    return new RetryPolicy(
        backoff,
        maxAttempts,
        maxLostLeases,
        failure -> {
          FailureKind kind = before.apply(failure);
          return kind == null ? added.apply(failure) : kind;
        });
  }

  /** The backoff between attempts. */
  public Backoff backoff() {
    return backoff;
  }

  /** How many attempts of a message may fail, the first one included. */
  public int maxAttempts() {
    return maxAttempts;
  }

  /** How many leases of a message may be lost. */
  public int maxLostLeases() {
    return maxLostLeases;
  }

  /**
   * What kind a failure is. One that only wraps another one for a future ({@link
   * ExecutionException}, {@link CompletionException}) is judged by what it wraps.
   */
  public FailureKind kindOf(Throwable failure) {
    Throwable real = unwrap(failure);
    FailureKind kind = classifier.apply(real);
    if (kind != null) {
      return kind;
    }
    if (real instanceof ThrottledException throttled) {
      return FailureKind.throttled(throttled.retryAfter().orElse(null));
    }
    return real instanceof QueueException queue && queue.code() == ErrorCode.THROTTLED
        ? FailureKind.throttled(null)
        : FailureKind.transientFailure();
  }

  /** Whether a message has had all it may have, so that it is not to be run again. */
  public boolean exhausted(Attempts earlier) {
    return earlier.failed() >= maxAttempts || earlier.leaseLost() >= maxLostLeases;
  }

  /**
   * What to do after a failure.
   *
   * @param earlier how the attempts before this one ended
   * @param failure what the attempt ended with
   * @param salt tells messages apart, such as their id; see {@link Backoff#delay(int, String)}
   */
  public RetryDecision decide(Attempts earlier, Throwable failure, String salt) {
    DeadLetterCause cause = DeadLetterCause.of(unwrap(failure));
    FailureKind kind = kindOf(failure);
    if (kind instanceof FailureKind.Throttled throttled) {
      // "At once" is not taken at its word: nothing else would bound how often it is asked.
      return new RetryDecision.Throttled(
          throttled
              .retryAfter()
              .filter(after -> !after.isZero())
              .orElseGet(() -> backoff.delay(1 + earlier.returned(), salt)));
    }
    return kind instanceof FailureKind.Transient
        ? decide(earlier, cause, salt)
        : new RetryDecision.DeadLetter(cause);
  }

  /**
   * What to do after a failure that is no exception and is not terminal.
   *
   * @param earlier how the attempts before this one ended
   * @param cause what the dead letter is to say if this was the last attempt
   * @param salt tells messages apart, such as their id
   */
  public RetryDecision decide(Attempts earlier, DeadLetterCause cause, String salt) {
    int failures = earlier.failed() + 1;
    return failures >= maxAttempts || earlier.leaseLost() >= maxLostLeases
        ? new RetryDecision.DeadLetter(cause)
        : new RetryDecision.Retry(backoff.delay(failures, salt));
  }

  /**
   * What to do after a failure, for those who count attempts without their causes.
   *
   * @param attempt 1-based, the one that failed; all before it count as failed
   */
  public RetryDecision decide(int attempt, Throwable failure, String salt) {
    return decide(new Attempts(attempt - 1, 0, 0), failure, salt);
  }

  private static Predicate<Throwable> isOneOf(List<Class<? extends Throwable>> classes) {
    return failure -> classes.stream().anyMatch(type -> type.isInstance(failure));
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
    return "RetryPolicy["
        + maxAttempts
        + " attempts, "
        + maxLostLeases
        + " lost leases, "
        + backoff
        + "]";
  }
}
