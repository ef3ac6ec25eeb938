package dev.forebay.queue.sqs;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.spi.Checks;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.TimeSource;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Makes of messages what SQS is sent, and refuses before anything is sent what SQS would not carry
 * (E3).
 *
 * <p>Thread-safe.
 */
final class Outbox {

  private final QueueFacts facts;
  private final Capabilities capabilities;
  private final Sender sender;
  private final TimeSource time;

  Outbox(QueueFacts facts, Capabilities capabilities, Sender sender, TimeSource time) {
    this.facts = facts;
    this.capabilities = capabilities;
    this.sender = sender;
    this.time = time;
  }

  /** Sends a message, or tells why not. */
  CompletableFuture<EnqueueOutcome> put(Message message) {
    EnqueueOutcome.Failed refused = Checks.enqueueDelay(message, capabilities);
    if (refused != null) {
      return CompletableFuture.completedFuture(refused);
    }
    // A FIFO queue drops the second of two equal dedup ids; both must then report the id it kept.
    boolean named = facts.fifo() && message.dedupId().isPresent();
    String id =
        named
            ? SqsText.hash(facts.name() + "/" + message.dedupId().get())
            : UUID.randomUUID().toString();
    SqsWire.Encoded encoded = SqsWire.encode(Envelope.fresh(id, message, time.now()));
    refused = unfit(message, encoded);
    if (refused != null) {
      return CompletableFuture.completedFuture(refused);
    }
    String group = message.key().map(SqsText::id).orElse(facts.fifo() ? SqsText.id(id) : null);
    String dedupId = facts.fifo() ? message.dedupId().map(SqsText::id).orElse(id) : null;
    return sender.send(id, encoded, group, dedupId, (int) LeaseTimes.ceilSeconds(message.delay()));
  }

  private EnqueueOutcome.@Nullable Failed unfit(Message message, SqsWire.Encoded encoded) {
    long keyBytes = message.key().map(SqsText::utf8).orElse(0L);
    EnqueueOutcome.Failed refused =
        Checks.message(message, capabilities, encoded.userBytes() + keyBytes);
    if (refused != null) {
      return refused;
    }
    for (String header : message.headers().keySet()) {
      if (SqsText.isReservedAttribute(header)) {
        return new EnqueueOutcome.Failed(
            ErrorCode.INVALID_MESSAGE,
            "SQS keeps header names that start with AWS. or Amazon. for itself: " + header);
      }
    }
    return null;
  }
}
