package dev.forebay.queue.sqs;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.spi.DeadLetterStore;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;

/**
 * The dead-letter queue behind an SQS queue, to be walked over (D3): see {@link DeadLetterWalk}.
 *
 * <p>A redrive sends the message to the source and then deletes it here. SQS's own
 * StartMessageMoveTask is not used: it takes all or nothing, knows no dry run, leaves the cause on
 * the message and cannot count redrives, by which a loop is recognised.
 *
 * <p>Thread-safe.
 */
final class SqsDeadLetters implements DeadLetterStore {

  /** Ten requests' worth at a time: fast, and far from the client's connections. */
  private static final int BATCH = 100;

  private final SqsAsyncClient client;
  private final QueueFacts source;
  private final QueueFacts dead;
  private final Sender toSource;
  private final Settler settler;
  private final TimeSource time;

  SqsDeadLetters(
      SqsAsyncClient client,
      QueueFacts source,
      QueueFacts dead,
      Sender toSource,
      TimeSource time,
      Duration linger) {
    this.client = client;
    this.source = source;
    this.dead = dead;
    this.toSource = toSource;
    this.time = time;
    this.settler = new Settler(client, dead.url(), time, linger);
  }

  /** A dead letter under a short lease, and how to settle it. */
  record Received(Message message, Envelope envelope, long deadlineNanos) implements Found {}

  @Override
  public int batch() {
    return BATCH;
  }

  @Override
  public Walk walk() {
    if (dead.maxReceiveCount() > 0) {
      throw new QueueException(
          ErrorCode.MISCONFIGURED,
          "The dead-letter queue "
              + dead.url()
              + " has a redrive policy of its own, by which SQS would move messages away that are"
              + " only looked at. Take the policy off to list or redrive its messages.");
    }
    return new DeadLetterWalk(client, dead, this, time);
  }

  /** What a received message died of, as far as anything is known of it. */
  Received read(Message message, long deadlineNanos) {
    Envelope envelope;
    DeadLetterCause cause =
        new DeadLetterCause(
            DeadLetterCause.MAX_RECEIVES,
            source.maxReceiveCount() > 0
                ? "SQS moved it after " + source.maxReceiveCount() + " receives."
                : "Not written by this library: moved by SQS, or sent here.");
    try {
      envelope = SqsWire.decode(message);
    } catch (QueueException e) {
      envelope = SqsWire.decodePlain(message);
      cause = new DeadLetterCause(DeadLetterCause.UNDECODABLE, String.valueOf(e.getMessage()));
    }
    if (envelope.deadLetter() == null) {
      // SQS counts receives and knows no causes, as everywhere (R2).
      Attempts attempts = new Attempts(0, source.maxReceiveCount(), 0);
      envelope =
          envelope.withDeadLetter(
              new DeadLetter(
                  cause, attempts, SqsWire.sentAt(message), origin(message), envelope.redrives()));
    }
    return new Received(message, envelope, deadlineNanos);
  }

  /** SQS notes where it moved a message from; another mover's messages are taken for ours. */
  private String origin(Message message) {
    String arn = message.attributes().get(MessageSystemAttributeName.DEAD_LETTER_QUEUE_SOURCE_ARN);
    return arn == null ? source.name() : arn.substring(arn.lastIndexOf(':') + 1);
  }

  CompletableFuture<Optional<EnqueueOutcome.Failed>> redrive(Received letter) {
    if (letter.deadlineNanos() - time.nanoTime() <= 0) {
      return CompletableFuture.completedFuture(lost());
    }
    Envelope again = letter.envelope().redriven();
    return toSource
        .send(again.id(), SqsWire.encode(again), group(letter), dedupId(letter), 0)
        .thenCompose(
            outcome ->
                outcome instanceof EnqueueOutcome.Failed failed
                    ? CompletableFuture.completedFuture(Optional.of(failed))
                    : delete(letter).thenApply(SqsDeadLetters::afterSend));
  }

  CompletableFuture<Optional<EnqueueOutcome.Failed>> discard(Received letter) {
    return delete(letter)
        .thenApply(
            result ->
                switch (result) {
                  case DONE -> Optional.empty();
                  case GONE, TOO_LATE -> lost();
                  case REFUSED -> failed(ErrorCode.UNAVAILABLE, "SQS did not delete it.");
                  case AMBIGUOUS ->
                      failed(ErrorCode.AMBIGUOUS, "Nobody knows whether SQS deleted it.");
                });
  }

  private static Optional<EnqueueOutcome.Failed> afterSend(Settler.Result result) {
    return result == Settler.Result.DONE
        ? Optional.empty()
        : failed(
            ErrorCode.AMBIGUOUS,
            "The message is back in its queue, but its dead letter may be left; another redrive"
                + " would bring back one more copy with the same id.");
  }

  private static Optional<EnqueueOutcome.Failed> lost() {
    return failed(ErrorCode.LEASE_LOST, "Its lease ended before it was its turn; run it again.");
  }

  private static Optional<EnqueueOutcome.Failed> failed(ErrorCode code, String text) {
    return Optional.of(new EnqueueOutcome.Failed(code, text));
  }

  private CompletableFuture<Settler.Result> delete(Received letter) {
    return settler.delete(letter.message()::receiptHandle, letter::deadlineNanos);
  }

  /** Makes a dead letter visible again at once. */
  CompletableFuture<?> giveBack(Received letter) {
    return settler.change(letter.message()::receiptHandle, letter::deadlineNanos, 0);
  }

  private @Nullable String group(Received letter) {
    Envelope envelope = letter.envelope();
    if (envelope.message().key().isPresent()) {
      return SqsText.id(envelope.message().key().get());
    }
    boolean foreign = !letter.message().messageAttributes().containsKey(SqsWire.METADATA);
    String group =
        foreign
            ? letter.message().attributes().get(MessageSystemAttributeName.MESSAGE_GROUP_ID)
            : null;
    return group == null && source.fifo() ? SqsText.id(envelope.id()) : group;
  }

  /**
   * The same for each try to redrive this dead letter, and another one than the message's own and
   * that of its next death: inside its window a FIFO queue would swallow a dedup id it knows.
   */
  private @Nullable String dedupId(Received letter) {
    return source.fifo() ? SqsText.hash("redrive " + letter.message().messageId()) : null;
  }

  void flush() {
    settler.flush();
  }

  void abandon() {
    settler.abandon();
  }
}
