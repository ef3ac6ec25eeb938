package dev.forebay.queue.worker;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One message of a batch. Thread-safe; the last decision before the handler returns counts.
 *
 * @param <T> what the handler works on
 */
public final class BatchItem<T> {

  private final T value;
  private final Run run;
  private volatile @Nullable Outcome outcome;
  private volatile @Nullable Throwable failure;

  BatchItem(T value, Run run) {
    this.value = value;
    this.run = run;
  }

  /** The value decoded from the message, or the delivery. */
  public T value() {
    return value;
  }

  /** What is known about this attempt. */
  public HandlerContext context() {
    return run;
  }

  /** Says what is to become of the message. */
  public void decide(Outcome decision) {
    outcome = Objects.requireNonNull(decision);
    failure = null;
  }

  /** The attempt failed for this message; the retry policy decides. */
  public void fail(Throwable cause) {
    failure = Objects.requireNonNull(cause);
    outcome = null;
  }

  /**
   * What has been decided for the message by now; empty when nothing was, or it {@link #fail}ed.
   */
  public Optional<Outcome> decision() {
    return Optional.ofNullable(outcome);
  }

  /** What the attempt has failed of by now, for this message. */
  public Optional<Throwable> failureCause() {
    return Optional.ofNullable(failure);
  }

  Run run() {
    return run;
  }

  boolean isDecided() {
    return outcome != null || failure != null;
  }

  @Nullable Outcome outcome() {
    return outcome;
  }

  @Nullable Throwable failure() {
    return failure;
  }
}
