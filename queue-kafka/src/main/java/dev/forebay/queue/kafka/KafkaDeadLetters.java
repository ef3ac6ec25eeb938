package dev.forebay.queue.kafka;

import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.spi.DeadLetterStore;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The dead-letter topic of a queue, to be walked over (D3), whatever the queue's mode.
 *
 * <p>A log cannot be taken from in the middle, so what was redriven or discarded is marked by a
 * record in the same topic ({@link DeadLetterMark}). A redrive writes the message to the queue's
 * topic and, once that is acknowledged, the mark: a crash in between leaves the dead letter where
 * it is. Nothing else is kept anywhere, no group and no offset.
 *
 * <p>Thread-safe.
 */
final class KafkaDeadLetters implements DeadLetterStore {

  /** A fetch brings about this many small records; and so often is progress told. */
  private static final int BATCH = 500;

  private final String topic;
  private final String deadTopic;
  private final @Nullable String group;
  private final Enqueuer enqueuer;
  private final Supplier<Consumer<byte[], byte[]>> consumers;
  private final Duration patience;
  private final TimeSource time;

  /**
   * Works on {@code deadTopic}, bringing back to {@code topic}.
   *
   * @param group the group whose dead letters are shown, and brought back for it alone, beside
   *     those that say no group; null: those of every group are shown, and brought back for all
   * @param consumers makes a consumer without a group for each walk
   * @param patience how long a broker may take to answer
   */
  KafkaDeadLetters(
      String topic,
      String deadTopic,
      @Nullable String group,
      Enqueuer enqueuer,
      Supplier<Consumer<byte[], byte[]>> consumers,
      Duration patience,
      TimeSource time) {
    this.topic = topic;
    this.deadTopic = deadTopic;
    this.group = group;
    this.enqueuer = enqueuer;
    this.consumers = consumers;
    this.patience = patience;
    this.time = time;
  }

  @Override
  public int batch() {
    return BATCH;
  }

  @Override
  public Walk walk() {
    return new DeadTopicWalk(this, topic, deadTopic, consumers.get(), patience, time);
  }

  /** Whether a dead letter is to be shown; what other groups did with the message is theirs. */
  boolean isShown(DeadRecord letter) {
    String diedIn = letter.again().group();
    return group == null || diedIn == null || diedIn.equals(group);
  }

  /**
   * Writes the message to the queue's topic again; its dead letter is to be {@link #markRedriven
   * marked} once that is done.
   */
  CompletableFuture<Optional<EnqueueOutcome.Failed>> enqueueAgain(DeadRecord letter) {
    String obstacle = letter.obstacle();
    if (obstacle != null) {
      return CompletableFuture.completedFuture(failed(ErrorCode.INVALID_MESSAGE, obstacle));
    }
    Copy again = letter.again();
    Copy copy = group == null ? new Copy(again.number(), again.fence(), null) : again;
    return enqueuer
        .send(RecordCodec.encode(topic, letter.envelope().redriven(), copy, 0))
        .handle((stored, error) -> error == null ? Optional.empty() : notWritten(topic, error));
  }

  CompletableFuture<Optional<EnqueueOutcome.Failed>> markRedriven(DeadRecord letter) {
    return mark(letter, DeadLetterMark.Verdict.REDRIVEN)
        .thenApply(unmarked -> unmarked.map(KafkaDeadLetters::inBothPlaces));
  }

  CompletableFuture<Optional<EnqueueOutcome.Failed>> discard(DeadRecord letter) {
    return mark(letter, DeadLetterMark.Verdict.DISCARDED);
  }

  private CompletableFuture<Optional<EnqueueOutcome.Failed>> mark(
      DeadRecord letter, DeadLetterMark.Verdict verdict) {
    return enqueuer
        .send(DeadLetterMark.of(letter.record(), verdict))
        .handle((stored, error) -> error == null ? Optional.empty() : notWritten(deadTopic, error));
  }

  private static EnqueueOutcome.Failed inBothPlaces(EnqueueOutcome.Failed unmarked) {
    return new EnqueueOutcome.Failed(
        ErrorCode.AMBIGUOUS,
        "The message is back in its queue, but its dead letter may still be shown; another redrive"
            + " would bring back one more copy with the same id. "
            + unmarked.message(),
        unmarked.cause());
  }

  private static Optional<EnqueueOutcome.Failed> notWritten(String to, Throwable error) {
    return failed(
        KafkaErrors.sendCode(error),
        "Topic " + to + " did not take it: " + KafkaErrors.unwrap(error));
  }

  private static Optional<EnqueueOutcome.Failed> failed(ErrorCode code, String text) {
    return Optional.of(new EnqueueOutcome.Failed(code, text));
  }
}
