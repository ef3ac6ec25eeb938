package dev.forebay.queue.sqs;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;

/**
 * Writes copies of messages to the dead-letter queue (D1, D2): same id, body, key and headers, with
 * cause, attempts and times beside them.
 *
 * <p>A copy is sent again when its request failed for a passing reason and its source's lease still
 * lives; on a standard queue that may leave one more copy, with the same id. A FIFO queue gets a
 * dedup id that is the same for each copy of this stay of the message in its queue, and another one
 * once it was sent back from the dead letters.
 *
 * <p>Thread-safe. Never waits: a buffer that is full is a failure that passes, since copies are
 * written on the threads of the client and of timers, too.
 */
final class DeadLetterSender {

  private static final Logger LOG = LoggerFactory.getLogger(DeadLetterSender.class);

  private static final int MAX_TRIES = 4;
  private static final long FIRST_PAUSE_MILLIS = 100;
  private static final long LONGEST_PAUSE_MILLIS = 2_000;

  private final String origin;
  private final String target;
  private final boolean fifo;
  private final long maxBytes;
  private final Sender sender;
  private final TimeSource time;

  DeadLetterSender(
      String origin, String target, boolean fifo, long maxBytes, Sender sender, TimeSource time) {
    this.origin = origin;
    this.target = target;
    this.fifo = fifo;
    this.maxBytes = maxBytes;
    this.sender = sender;
    this.time = time;
  }

  /**
   * Writes the copy; a failure is logged and leaves the message where it is. It is AMBIGUOUS when
   * any of the tries may have written it.
   */
  CompletableFuture<EnqueueOutcome> send(SqsDelivery delivery, DeadLetterCause cause) {
    Instant handedOut = delivery.handedOutAt();
    Envelope dead =
        delivery.envelope().dead(cause, handedOut == null ? time.now() : handedOut, origin);
    CompletableFuture<EnqueueOutcome> outcome = new CompletableFuture<>();
    SqsWire.Encoded copy = SqsWire.encodeDead(dead, maxBytes);
    if (copy.bytes() > maxBytes) {
      // Another producer's that fills SQS's limit: better a letter without its cause than none.
      copy = SqsWire.asReceived(delivery.received());
    }
    attempt(delivery, copy, 1, null, outcome);
    return outcome;
  }

  private void attempt(
      SqsDelivery delivery,
      SqsWire.Encoded copy,
      int tries,
      EnqueueOutcome.@Nullable Failed ambiguous,
      CompletableFuture<EnqueueOutcome> outcome) {
    var unused =
        sender
            .sendWithoutWaiting(delivery.id(), copy, group(delivery), dedupId(delivery), 0)
            .thenAccept(
                result -> {
                  if (!(result instanceof EnqueueOutcome.Failed failed)) {
                    outcome.complete(result);
                    return;
                  }
                  EnqueueOutcome.Failed perhaps =
                      failed.code() == ErrorCode.AMBIGUOUS ? failed : ambiguous;
                  Duration pause = Pauses.after(tries, FIRST_PAUSE_MILLIS, LONGEST_PAUSE_MILLIS);
                  // A full buffer is asked again for as long as the lease lives: it costs no
                  // request.
                  boolean again =
                      failed.code() == ErrorCode.OVERLOADED
                          || (failed.retryable() && tries < MAX_TRIES);
                  if (again && delivery.leaseRemaining().compareTo(pause) > 0) {
                    time.schedule(
                        pause, () -> attempt(delivery, copy, tries + 1, perhaps, outcome));
                    return;
                  }
                  LOG.warn(
                      "Message {} of {} could not be written to the dead letters in {} ({}): {}."
                          + " It stays where it is and comes back by its lease.",
                      delivery.sqsId(),
                      origin,
                      target,
                      failed.code(),
                      failed.message());
                  // An earlier try may have written what the last one has not.
                  outcome.complete(perhaps == null ? failed : perhaps);
                });
  }

  /**
   * On a FIFO queue a group of its own for each: one that is looked at or cannot be brought back
   * would hold up all others of its group. The key is in the message.
   */
  private @Nullable String group(SqsDelivery delivery) {
    return fifo
        ? SqsText.id(delivery.id())
        : delivery.received().attributes().get(MessageSystemAttributeName.MESSAGE_GROUP_ID);
  }

  private @Nullable String dedupId(SqsDelivery delivery) {
    if (!fifo) {
      return null;
    }
    long firstReceived =
        SqsWire.number(
            delivery.received(), MessageSystemAttributeName.APPROXIMATE_FIRST_RECEIVE_TIMESTAMP);
    return SqsText.id(delivery.sqsId() + "@" + firstReceived);
  }
}
