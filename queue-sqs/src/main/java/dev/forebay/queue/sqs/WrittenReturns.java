package dev.forebay.queue.sqs;

import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ReleaseCause;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;

/**
 * Returns that other processes know of (R2). SQS counts a receive however it ends, and another
 * process has to take it for a lost lease: where a downstream throttles a fleet, or a slow lane is
 * away, healthy messages would look like ones that kill their process. So a message that is
 * returned until later is sent again with its attempts by cause and its delay, and then deleted.
 *
 * <p>A crash in between leaves one more copy, with the same id. Not on FIFO queues, where a copy
 * would go behind the others of its key; not at once, which shutting down does and which comes
 * seldom; not beyond SQS's longest delay. Thread-safe.
 */
final class WrittenReturns {

  private final Sender sender;
  private final boolean fifo;
  private final long maxBytes;

  /**
   * Sends nothing yet.
   *
   * @param sender sends to the queue itself
   */
  WrittenReturns(Sender sender, QueueFacts facts) {
    this.sender = sender;
    this.fifo = facts.fifo();
    this.maxBytes = facts.maxBytes();
  }

  /** The copy to send instead of a mere release; empty where it has to be that. */
  Optional<SqsWire.Encoded> copy(SqsDelivery delivery, Duration delay, ReleaseCause cause) {
    if (fifo
        || cause != ReleaseCause.RETURNED
        || delay.isZero()
        || delay.compareTo(SqsCapabilities.MAX_DELAY) > 0
        || !isText(delivery)) {
      return Optional.empty();
    }
    SqsWire.Encoded copy =
        SqsWire.encode(delivery.envelope().withAttempts(delivery.attempts().plusReturned()));
    return copy.bytes() > maxBytes ? Optional.empty() : Optional.of(copy);
  }

  /** Other producers' numbers and bytes would come back as text. */
  private static boolean isText(SqsDelivery delivery) {
    return delivery.received().messageAttributes().values().stream()
        .map(MessageAttributeValue::dataType)
        .allMatch("String"::equals);
  }

  CompletableFuture<EnqueueOutcome> send(
      SqsDelivery delivery, SqsWire.Encoded copy, Duration delay) {
    return sender.sendWithoutWaiting(
        delivery.id(),
        copy,
        delivery.received().attributes().get(MessageSystemAttributeName.MESSAGE_GROUP_ID),
        null,
        (int) LeaseTimes.ceilSeconds(delay));
  }
}
