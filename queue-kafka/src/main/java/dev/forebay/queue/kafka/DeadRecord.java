package dev.forebay.queue.kafka;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.spi.DeadLetterStore;
import dev.forebay.queue.spi.Envelope;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * A record of a dead-letter topic, whoever wrote it: this library, the broker's own dead-letter
 * queue (Kafka 4.4), or somebody else. Immutable.
 *
 * @param record where it is
 * @param envelope as much of the message as can be read, with what it died of
 * @param again what the record carries that brings it back
 * @param obstacle why it cannot be brought back, and what to do; null when this is the whole
 *     message
 */
record DeadRecord(
    ConsumerRecord<byte[], byte[]> record, Envelope envelope, Copy again, @Nullable String obstacle)
    implements DeadLetterStore.Found {

  /** What the broker writes beside key and value; the record's own headers are lost. */
  private static final String BROKER = "__dlq.errors.";

  private static final String TOPIC = BROKER + "topic";
  private static final String PARTITION = BROKER + "partition";
  private static final String OFFSET = BROKER + "offset";
  private static final String REASON = BROKER + "message";
  private static final String DELIVERIES = BROKER + "delivery.count";

  /** Reads a record; what says nothing of its origin counts as dead in the queue {@code name}. */
  static DeadRecord read(ConsumerRecord<byte[], byte[]> record, String name) {
    if (record.value() == null && record.headers().lastHeader(TOPIC) != null) {
      return withoutCopy(record, name);
    }
    Envelope envelope;
    Copy again;
    try {
      RecordCodec.Decoded decoded = RecordCodec.decode(record);
      envelope = decoded.envelope();
      again = decoded.redriven();
    } catch (RecordCodec.UndecodableException e) {
      Envelope broken = broken(record, name, String.valueOf(e.getMessage()));
      return new DeadRecord(
          record,
          broken,
          Copy.NONE,
          "The record "
              + broken.id()
              + " is no message that a worker could be given. Look at it with Kafka's own tools,"
              + " then discard it.");
    }
    if (envelope.deadLetter() == null) {
      envelope = foreign(record, envelope, name);
    }
    return new DeadRecord(record, envelope, again, null);
  }

  /** The broker says what died and where, and did not copy the record: its default. */
  private static DeadRecord withoutCopy(ConsumerRecord<byte[], byte[]> record, String name) {
    Map<String, String> said = new HashMap<>();
    for (Header header : record.headers()) {
      if (header.key().startsWith(BROKER) && header.value() != null) {
        said.put(header.key(), new String(header.value(), StandardCharsets.UTF_8));
      }
    }
    Message empty = Message.of(new byte[0]).headers(said);
    Instant written = Instant.ofEpochMilli(Math.max(0, record.timestamp()));
    Envelope envelope =
        foreign(record, new Envelope("", empty, written, Attempts.NONE, null), name);
    return new DeadRecord(
        record,
        envelope,
        Copy.NONE,
        "The broker wrote down that the record "
            + envelope.id()
            + " (topic, partition, offset) died, and not the record itself. Read it there with"
            + " Kafka's own tools while the topic still has it, enqueue it yourself if it is"
            + " wanted, then discard this dead letter. With"
            + " errors.deadletterqueue.copy.record.enable=true on the share group later ones are"
            + " copied.");
  }

  private static Envelope foreign(
      ConsumerRecord<byte[], byte[]> record, Envelope envelope, String name) {
    Message message = envelope.message();
    String topic = message.headers().get(TOPIC);
    if (topic == null) {
      DeadLetterCause cause = new DeadLetterCause("", "Not written by this library.");
      return envelope.withDeadLetter(letter(cause, envelope.attempts(), record, name, envelope));
    }
    String reason = message.headers().getOrDefault(REASON, "Set aside by the broker.");
    Attempts attempts = new Attempts(0, count(message.headers().get(DELIVERIES)), 0);
    DeadLetterCause cause = new DeadLetterCause(DeadLetterCause.MAX_RECEIVES, reason);
    // The same id as the record had as a message, if it came from another producer.
    String id =
        topic + "-" + message.headers().get(PARTITION) + "-" + message.headers().get(OFFSET);
    return new Envelope(
            id,
            withoutBrokersHeaders(message),
            envelope.enqueuedAt(),
            envelope.attempts(),
            null,
            envelope.redrives())
        .withDeadLetter(letter(cause, attempts, record, topic, envelope));
  }

  private static DeadLetter letter(
      DeadLetterCause cause,
      Attempts attempts,
      ConsumerRecord<byte[], byte[]> record,
      String origin,
      Envelope envelope) {
    Instant written = Instant.ofEpochMilli(Math.max(0, record.timestamp()));
    return new DeadLetter(cause, attempts, written, origin, envelope.redrives());
  }

  private static Message withoutBrokersHeaders(Message message) {
    Map<String, String> rest = new LinkedHashMap<>(message.headers());
    rest.keySet().removeIf(header -> header.startsWith(BROKER));
    Message plain = Message.of(message.body()).headers(rest);
    return plain
        .key(message.key().orElse(null))
        .dedupId(message.dedupId().orElse(null))
        .type(message.type().orElse(null));
  }

  /** What can be said of a record that is no message: the library's data, if they are readable. */
  private static Envelope broken(
      ConsumerRecord<byte[], byte[]> record, String name, String reason) {
    byte @Nullable [] value = record.value();
    byte[] body = value == null ? new byte[0] : value;
    String id = record.topic() + "-" + record.partition() + "-" + record.offset();
    Instant written = Instant.ofEpochMilli(Math.max(0, record.timestamp()));
    Map<String, String> reserved = new HashMap<>();
    String topic = name;
    for (Header header : record.headers()) {
      if (header.value() == null) {
        continue;
      }
      String text = new String(header.value(), StandardCharsets.UTF_8);
      if (header.key().startsWith(Message.RESERVED_HEADER_PREFIX)) {
        reserved.put(header.key(), text);
      } else if (header.key().equals(TOPIC)) {
        topic = text;
      }
    }
    try {
      Envelope envelope = Envelope.read(body, Map.of(), reserved, id, written);
      if (envelope.deadLetter() != null) {
        return envelope;
      }
    } catch (QueueException e) {
      // Falls through: nothing of it can be trusted.
    }
    Envelope bare = new Envelope(id, Message.of(body), written, Attempts.NONE, null);
    DeadLetterCause cause = new DeadLetterCause(DeadLetterCause.UNDECODABLE, reason);
    return bare.withDeadLetter(letter(cause, Attempts.NONE, record, topic, bare));
  }

  private static int count(@Nullable String text) {
    try {
      return text == null ? 0 : Math.max(0, Integer.parseInt(text));
    } catch (NumberFormatException e) {
      return 0;
    }
  }
}
