package dev.forebay.queue.kafka;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.spi.Envelope;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
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
  private final Delays delays;
  private final ReturnedRecords returned = new ReturnedRecords();
  private final MovedRecords moved = new MovedRecords();
  private final LongAdder undecodable = new LongAdder();
  private final Trouble writing;

  Intake(ShareSettings settings, Enqueuer enqueuer, Delays delays) {
    this.settings = settings;
    this.enqueuer = enqueuer;
    this.delays = delays;
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
        TopicPartition partition = new TopicPartition(record.topic(), record.partition());
        envelope =
            envelope.withAttempts(
                returned.take(partition, record.offset(), count, envelope.attempts()));
      }
      Held held = new Held(lane, record, envelope, decoded.copies(), count, now, "");
      if (decoded.isForOtherThan(settings.group())) {
        held.forOthers = true;
        return held;
      }
      held.movedOn = count > 1 ? moved.get(held.partition(), record.offset(), envelope.id()) : null;
      long early = decoded.notBefore() - settings.time().now().toEpochMilli();
      if (decoded.notBefore() > 0 && early > 0) {
        held.decided = true;
        held.decision = Held.Decision.WAIT;
        held.releaseAt = now + Duration.ofMillis(early).toNanos();
      }
      return held;
    } catch (RecordCodec.UndecodableException e) {
      undecodable.add(DeadLetterMark.isMark(record) ? 0 : 1);
      return new Held(lane, record, null, 0, count, now, String.valueOf(e.getMessage()));
    }
  }

  /** Whether a record goes to the callers; else {@link #writeAside} takes care of it. */
  boolean isDeliverable(Held held) {
    return held.envelope != null
        && !held.forOthers
        && held.movedOn == null
        && (held.deliveryCount < settings.copyFromDelivery() || held.uncopyable);
  }

  /**
   * Writes the copy or dead letter of a record; when the broker has it, the lane gets the decision
   * to accept the old one, and when that failed, to try again.
   *
   * <p>A copy says when it may be delivered if the record is still waiting for that, and that it is
   * for this group alone. A record that is for another group alone is accepted as it is.
   */
  void writeAside(Held held) {
    held.writing = true;
    if (held.forOthers) {
      held.decision = Held.Decision.ACCEPT;
      held.lane.submit(held);
      return;
    }
    CompletableFuture<Void> before = held.movedOn;
    if (before != null) {
      held.movedOn = null;
      CompletableFuture<Void> unused =
          before.whenComplete((stored, error) -> movedOn(held, error == null));
      return;
    }
    Envelope envelope = held.envelope;
    CompletableFuture<Void> sent;
    if (envelope != null) {
      long left = held.releaseAt - settings.time().nanoTime();
      long notBefore = left <= 0 ? 0 : settings.time().now().plusNanos(left).toEpochMilli() + 1;
      // Given back with a delay: what was decided since the fetch counts, too.
      Envelope now = held.delivery == null ? envelope : envelope.withAttempts(held.attemptsAfter);
      Copy copy = new Copy(held.copies + 1, 0, settings.group());
      sent =
          notBefore > 0 && !delays.longest().isZero()
              ? delays.store(now, copy, notBefore)
              : enqueuer.send(RecordCodec.encode(settings.topic(), now, copy, notBefore));
      moving(held, sent);
    } else {
      if (DeadLetterMark.isMark(held.record)) {
        // Of a dead-letter topic that is polled as a queue.
        held.decision = Held.Decision.ACCEPT;
        held.lane.submit(held);
        return;
      }
      String deadLetters = settings.deadLetters();
      if (deadLetters == null) {
        log.error(
            "The record {} cannot be decoded and there are no dead letters; the group skips it. {}",
            held,
            held.undecodable);
        held.decision = Held.Decision.REJECT;
        held.lane.submit(held);
        return;
      }
      log.warn(
          "The record {} cannot be decoded and goes to {}. {}",
          held,
          deadLetters,
          held.undecodable);
      DeadLetter letter =
          new DeadLetter(
              new DeadLetterCause(DeadLetterCause.UNDECODABLE, held.undecodable),
              Attempts.NONE,
              settings.time().now(),
              settings.topic());
      sent =
          enqueuer.send(
              RecordCodec.undecodableDeadLetter(
                  deadLetters, held.record, letter, settings.group()));
    }
    CompletableFuture<Void> unused = sent.whenComplete((stored, error) -> written(held, error));
  }

  /** Its message is being written elsewhere: should the record come again, it is settled unseen. */
  void moving(Held held, CompletableFuture<Void> write) {
    Envelope envelope = held.envelope;
    if (envelope != null) {
      moved.put(held.partition(), held.record.offset(), envelope.id(), write);
    }
  }

  /** The broker has confirmed what was decided of a record. */
  void over(Held held) {
    Envelope envelope = held.envelope;
    if (envelope != null && held.decision == Held.Decision.ACCEPT) {
      moved.remove(held.partition(), held.record.offset(), envelope.id());
    }
  }

  /** An earlier delivery's write has ended: it stands for this record, or this one goes on. */
  private static void movedOn(Held held, boolean stored) {
    held.decision = stored ? Held.Decision.ACCEPT : Held.Decision.WAIT;
    held.lane.submit(held);
  }

  private void written(Held held, @Nullable Throwable error) {
    if (error == null) {
      writing.over();
      held.decision = Held.Decision.ACCEPT;
      held.lane.submit(held);
    } else if (KafkaErrors.sendCode(error) == ErrorCode.INVALID_MESSAGE) {
      // Records of other producers may leave no room for the library's headers.
      log.error(
          "The record {} is too large to be written again with the library's headers; raise"
              + " max.message.bytes of the topic and max.request.size of the client. {}",
          held,
          error.getMessage());
      held.uncopyable = true;
      held.decision = held.envelope == null ? Held.Decision.REJECT : Held.Decision.WAIT;
      held.lane.submit(held);
    } else {
      writing.seen(error);
      held.decision = Held.Decision.RETRY;
      held.retryAt = settings.time().nanoTime() + RETRY.toNanos();
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
