package dev.forebay.queue.sqs;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.time.TimeSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What becomes of receives that fail: a pause that grows with each further failure, and one line in
 * the log for what lasts and one for its end (S3).
 *
 * <p>Not thread-safe: guarded by the receiver's lock.
 */
final class Trouble {

  private static final Logger LOG = LoggerFactory.getLogger(Receiver.class);

  /** Fewer failures in a row are everyday life of a network. */
  private static final int FAILURES_TO_TELL = 3;

  private static final long FIRST_PAUSE_MILLIS = 100;
  private static final long LONGEST_PAUSE_MILLIS = 10_000;

  private final String url;
  private final TimeSource time;
  private final Runnable resume;
  private int failures;
  private boolean denied;
  private boolean pausing;
  private TimeSource.@Nullable Timer pause;

  /**
   * No trouble.
   *
   * @param resume what to do when a pause is over, on the timer thread
   */
  Trouble(String url, TimeSource time, Runnable resume) {
    this.url = url;
    this.time = time;
    this.resume = resume;
  }

  /** Whether nothing is to be asked for now. */
  boolean isPausing() {
    return pausing;
  }

  /** A receive ended well. */
  void succeeded() {
    if (failures >= FAILURES_TO_TELL || denied) {
      LOG.info("SQS answers again for {}", url);
    }
    failures = 0;
    denied = false;
  }

  /**
   * A receive failed.
   *
   * @param closing whether nothing more is to be received anyway
   */
  void failed(Throwable failure, boolean closing) {
    Throwable inner = SqsErrors.unwrap(failure);
    failures++;
    if (!closing) {
      tell(SqsErrors.ofCall(inner), inner);
    }
    if (pausing || closing) {
      return;
    }
    pausing = true;
    pause = time.schedule(Pauses.after(failures, FIRST_PAUSE_MILLIS, LONGEST_PAUSE_MILLIS), resume);
  }

  /** A refusal does not pass by itself, and could not be seen when the queue was opened (S2). */
  private void tell(ErrorCode code, Throwable failure) {
    if (code == ErrorCode.ACCESS_DENIED) {
      if (!denied) {
        denied = true;
        LOG.error(
            "SQS refuses to let this process receive from {}: allow it sqs:ReceiveMessage, and"
                + " kms:Decrypt where the queue has a key of its own. Polls return empty until"
                + " then. {}",
            url,
            failure.getMessage());
      }
    } else if (failures == FAILURES_TO_TELL) {
      LOG.warn(
          "Receiving from {} fails ({}): {}. Polls return empty until it works again; tried with"
              + " pauses of up to {} s.",
          url,
          code,
          failure.getMessage(),
          LONGEST_PAUSE_MILLIS / 1000);
    }
  }

  /** The pause is over. */
  void resumed() {
    pausing = false;
    pause = null;
  }

  /** No pause is to end any more. */
  void close() {
    if (pause != null) {
      pause.cancel();
    }
  }
}
