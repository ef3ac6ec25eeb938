package dev.forebay.queue.kafka;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.spi.Checks;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes messages by the idempotent producer, which batches them (E5) and retries within its own
 * delivery time-out without ever storing one twice.
 *
 * <p>Its buffer is bounded ({@code buffer.memory}); when it is full, enqueue waits up to {@code
 * max.block.ms} and ends as OVERLOADED; so it does, as UNAVAILABLE, when the producer does not know
 * yet where the topic's partitions are and no broker tells. Thread-safe.
 */
final class Enqueuer {

  private static final Logger log = LoggerFactory.getLogger(Enqueuer.class);

  /** A send takes no time unless the buffer is full. */
  private static final Duration HANDED_OVER = Duration.ofMillis(300);

  /** For the producer to end by force when its time is over. */
  private static final Duration FORCED = Duration.ofMillis(300);

  private final String topic;
  private final Capabilities capabilities;
  private final Producer<byte[], byte[]> producer;
  private final TimeSource time;
  private final @Nullable DelayTopic delays;
  private final ReentrantReadWriteLock sending = new ReentrantReadWriteLock();
  private volatile boolean refusing;

  /**
   * An enqueuer of a topic.
   *
   * @param delays where messages with a delay wait; null where the capabilities offer none
   */
  Enqueuer(
      String topic,
      Capabilities capabilities,
      Producer<byte[], byte[]> producer,
      TimeSource time,
      @Nullable DelayTopic delays) {
    this.topic = topic;
    this.capabilities = capabilities;
    this.producer = producer;
    this.time = time;
    this.delays = delays;
  }

  CompletableFuture<EnqueueOutcome> enqueue(Message message) {
    EnqueueOutcome.Failed refusal = refusal(message);
    if (refusal != null) {
      return CompletableFuture.completedFuture(refusal);
    }
    Instant now = time.now();
    Envelope envelope = Envelope.fresh(UUID.randomUUID().toString(), message, now);
    DelayTopic waiting = message.delay().isZero() ? null : delays;
    ProducerRecord<byte[], byte[]> record =
        waiting == null
            ? RecordCodec.encode(topic, envelope, 0, 0)
            : waiting.first(
                envelope,
                Copy.NONE,
                DelayTopic.notBefore(now, message.delay()),
                now.toEpochMilli());
    CompletableFuture<Void> sent;
    sending.readLock().lock();
    try {
      if (refusing) {
        return CompletableFuture.completedFuture(closed());
      }
      sent = send(record);
    } finally {
      sending.readLock().unlock();
    }
    return sent.handle(
        (stored, error) ->
            error == null
                ? new EnqueueOutcome.Enqueued(envelope.id())
                : failed(KafkaErrors.unwrap(error)));
  }

  private EnqueueOutcome.@Nullable Failed refusal(Message message) {
    if (refusing) {
      return closed();
    }
    EnqueueOutcome.Failed unfit = Checks.message(message, capabilities, Checks.plainSize(message));
    return unfit == null ? Checks.enqueueDelay(message, capabilities) : unfit;
  }

  private EnqueueOutcome.Failed closed() {
    return new EnqueueOutcome.Failed(ErrorCode.CLOSED, "The queue " + topic + " is closed.");
  }

  /** Writes one record; completes exceptionally with Kafka's own exception. */
  CompletableFuture<Void> send(ProducerRecord<byte[], byte[]> record) {
    CompletableFuture<Void> stored = new CompletableFuture<>();
    Thread caller = Thread.currentThread();
    try {
      producer.send(
          record,
          (metadata, error) -> {
            if (error == null) {
              stored.complete(null);
            } else if (Thread.currentThread() == caller) {
              // The producer has a thread of its own for what it has put into a batch.
              stored.completeExceptionally(new KafkaErrors.NotSentException(error));
            } else {
              stored.completeExceptionally(error);
            }
          });
    } catch (KafkaException | IllegalStateException e) {
      // Interrupted while waiting for room, or closed: nothing was sent.
      stored.completeExceptionally(new KafkaErrors.NotSentException(e));
    }
    return stored;
  }

  private EnqueueOutcome failed(Throwable error) {
    ErrorCode code = KafkaErrors.sendCode(error);
    if (refusing
        && code == ErrorCode.INTERNAL
        && !(error instanceof KafkaErrors.NotSentException)) {
      // The grace time ended first: what was under way may have arrived.
      code = ErrorCode.AMBIGUOUS;
    }
    String advice =
        switch (code) {
          case AMBIGUOUS ->
              "No answer came within the producer's delivery.timeout.ms; it may have been stored.";
          case UNAVAILABLE ->
              "Nothing was sent: no broker told within max.block.ms where the topic is.";
          case OVERLOADED ->
              "The producer's buffer (buffer.memory) stayed full for max.block.ms; slow down.";
          case INVALID_MESSAGE -> "The broker refuses the record as it is.";
          case NOT_FOUND -> "The topic does not exist any more; create it.";
          case ACCESS_DENIED -> "Grant WRITE on the topic.";
          default -> "Enqueuing again may help.";
        };
    return new EnqueueOutcome.Failed(
        code, "Topic " + topic + ": " + advice + " " + error.getMessage(), error);
  }

  Producer<byte[], byte[]> client() {
    return producer;
  }

  /** Whether enqueue answers CLOSED. */
  boolean isRefusing() {
    return refusing;
  }

  /** From now on enqueue answers CLOSED; what is under way is finished, unless it hangs. */
  void refuse() {
    refusing = true;
    if (Uninterrupted.await(
        nanos -> sending.writeLock().tryLock(nanos, TimeUnit.NANOSECONDS), HANDED_OVER)) {
      sending.writeLock().unlock();
    }
  }

  /**
   * Flushes what was accepted, for at most {@code within}. On a thread of its own: the producer
   * drops all it has when the thread that closes it is interrupted.
   */
  void close(Duration within) {
    refusing = true;
    Thread closer = new Thread(() -> closeProducer(within), "forebay-kafka-" + topic + "-close");
    closer.setDaemon(true);
    closer.start();
    boolean unused = Uninterrupted.join(closer, within.plus(FORCED));
  }

  private void closeProducer(Duration within) {
    try {
      producer.close(within);
    } catch (KafkaException e) {
      log.warn("Topic {}: the producer could not be closed in an orderly way", topic, e);
    }
  }
}
