package dev.forebay.queue.kafka;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.spi.LeasedDelivery;
import dev.forebay.queue.time.TimeSource;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A delivery of a record of an assigned partition. Its lease is this process's own affair: the
 * broker knows only who has the partition.
 *
 * <p>The decision is written once, by whoever won {@link #beginSettlement()}, before the delivery
 * enters the inbox of the {@link KeyedBuffer}. Thread-safe.
 */
final class KeyedDelivery extends LeasedDelivery {

  final KeyedRecord record;
  private final TimeSource time;
  private final long handedOutAt;

  /**
   * Its dead letter, or its copy for the delay topic, is being written: the end of the lease has to
   * wait for the outcome.
   */
  volatile boolean writing;

  /** It is written, or may be: then it cannot be said that nothing was changed. */
  volatile boolean stored;

  /** What is being written is the copy. */
  volatile boolean delaying;

  // The decision; see the class comment.
  boolean done;
  Attempts attemptsAfter = Attempts.NONE;
  long delayNanos;
  @Nullable CompletableFuture<Settlement> answer;

  /** The one that came before in the inbox. */
  @Nullable KeyedDelivery below;

  KeyedDelivery(
      WorkQueue queue,
      Envelope envelope,
      KeyedRecord record,
      long fencingToken,
      TimeSource time,
      long now,
      long deadlineNanos) {
    super(queue, envelope, fencingToken, time, deadlineNanos);
    this.record = record;
    this.time = time;
    this.handedOutAt = now;
  }

  long heldNanos() {
    return time.nanoTime() - handedOutAt;
  }
}
