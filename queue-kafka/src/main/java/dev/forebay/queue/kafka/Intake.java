package dev.forebay.queue.kafka;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.spi.Envelope;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides what becomes of a fetched record: delivered, copied because the broker would soon drop
 * it, or dead-lettered because it cannot be decoded (P5). Thread-safe; called by every lane.
 */
final class Intake {

  private static final Logger log = LoggerFactory.getLogger(Intake.class);
  private static final Duration RETRY = Duration.ofSeconds(1);

  private final ShareSettings settings;
  private final Enqueuer enqueuer;
  private final ReturnedRecords returned = new ReturnedRecords();
  private final LongAdder undecodable = new LongAdder();
  private final Trouble writing;

  Intake(ShareSettings settings, Enqueuer enqueuer) {
    this.settings = settings;
    this.enqueuer = enqueuer;
    this.writing =
        new Trouble(
            log, "Topic " + settings.topic() + ": a copy or dead letter could not be written");
  }

  long undecodableCount() {
    return undecodable.sum();
  }

  /** Decodes a record and finds out how its earlier deliveries ended. */
  Held admit(Lane lane, ConsumerRecord<byte[], byte[]> record) {
    int count = record.deliveryCount().map(Short::intValue).orElse(1);
    long now = settings.time().nanoTime();
    try {
      RecordCodec.Decoded decoded = RecordCodec.decode(record);
      Envelope envelope = decoded.envelope();
      if (count > 1) {
        Held probe = new Held(lane, record, envelope, decoded.copies(), count, now, "");
        envelope =
            envelope.withAttempts(
                returned.take(probe.partition(), record.offset(), count, envelope.attempts()));
      }
      return new Held(lane, record, envelope, decoded.copies(), count, now, "");
    } catch (RecordCodec.UndecodableException e) {
      undecodable.increment();
      return new Held(lane, record, null, 0, count, now, String.valueOf(e.getMessage()));
    }
  }

  /** Whether a record goes to the callers; else {@link #writeAside} takes care of it. */
  boolean isDeliverable(Held held) {
    return held.envelope != null
        && (held.deliveryCount < settings.copyFromDelivery() || held.uncopyable);
  }

  /**
   * Writes the copy or dead letter of a record; when the broker has it, the lane gets the decision
   * to accept the old one, and when that failed, to try again.
   */
  void writeAside(Held held) {
    Envelope envelope = held.envelope;
    ProducerRecord<byte[], byte[]> record;
    if (envelope != null) {
      record = RecordCodec.encode(settings.topic(), envelope, held.copies + 1);
    } else {
      String deadLetters = settings.deadLetters();
      log.warn(
          "The record {} cannot be decoded: {} It goes to {}.",
          held,
          held.undecodable,
          deadLetters == null ? "nowhere, as there are no dead letters" : deadLetters);
      if (deadLetters == null) {
        held.decision = Held.Decision.REJECT;
        held.lane.submit(held);
        return;
      }
      DeadLetter letter =
          new DeadLetter(
              new DeadLetterCause(DeadLetterCause.UNDECODABLE, held.undecodable),
              new Attempts(0, held.deliveryCount - 1, 0),
              settings.time().now(),
              settings.topic());
      record = RecordCodec.undecodableDeadLetter(deadLetters, held.record, letter);
    }
    CompletableFuture<Void> unused =
        enqueuer.send(record).whenComplete((stored, error) -> written(held, error));
  }

  private void written(Held held, Throwable error) {
    if (error == null) {
      writing.over();
      held.decision = Held.Decision.ACCEPT;
      held.lane.submit(held);
    } else if (KafkaErrors.sendCode(error) == ErrorCode.INVALID_MESSAGE) {
      // Records of other producers may leave no room for the library's headers.
      log.error(
          "The record {} is too large to be written again; raise max.message.bytes of the topic"
              + " and max.request.size of the client.",
          held,
          error);
      if (held.envelope == null) {
        held.decision = Held.Decision.REJECT;
        held.lane.submit(held);
      } else {
        held.uncopyable = true;
        held.lane.offer(List.of(held));
      }
    } else {
      writing.seen(error);
      held.decision = Held.Decision.RETRY;
      held.releaseAt = settings.time().nanoTime() + RETRY.toNanos();
      held.lane.submit(held);
    }
  }

  /** The record is being given back; its next delivery here will know why. */
  void remember(Held held) {
    returned.put(held.partition(), held.record.offset(), held.deliveryCount, held.attemptsAfter);
  }

  /** The record was lost before anybody saw it. */
  void rememberUnseen(Held held) {
    returned.put(
        held.partition(), held.record.offset(), held.deliveryCount, held.attempts().plusReturned());
  }
}
