package dev.forebay.queue.kafka;

import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.spi.Envelope;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.jspecify.annotations.Nullable;

/**
 * Messages as Kafka records: the body is the value, the key is the record's key in UTF-8, headers
 * are headers in UTF-8, and the library's own data are headers under the reserved prefix.
 *
 * <p>A record of another producer has no reserved headers and is fine (P5). What a {@link Message}
 * cannot represent is <i>undecodable</i>: no value, a key or header value that is not UTF-8, a
 * header without a value or twice, reserved headers the library did not write.
 */
final class RecordCodec {

  /** How often the record was copied; see {@link Lane} on the broker's delivery limit. */
  private static final String COPIES = Message.RESERVED_HEADER_PREFIX + "copies";

  /** When a copy may first be delivered, in milliseconds of the wall clock. */
  static final String NOT_BEFORE = Message.RESERVED_HEADER_PREFIX + "not-before";

  /** What the fencing tokens of a copy have to exceed. */
  private static final String FENCE = Message.RESERVED_HEADER_PREFIX + "fence";

  /** The only group that is to see a copy: other groups have settled the message themselves. */
  private static final String GROUP = Message.RESERVED_HEADER_PREFIX + "group";

  /**
   * The group in which a dead letter died, which is the only one to see it when it is redriven. Not
   * {@link #GROUP}: who polls the dead letters as a queue is to see it, whatever his group.
   */
  private static final String DIED_IN = Message.RESERVED_HEADER_PREFIX + "died-in";

  /** The message's id; a record of another producer has none. */
  private static final String ID = Message.RESERVED_HEADER_PREFIX + "id";

  /** The key travels as the record's key alone. */
  private static final String KEY = Message.RESERVED_HEADER_PREFIX + "key";

  /** What reserved headers of an undecodable record are renamed to in its dead letter. */
  private static final String ALIEN_PREFIX = "alien-";

  private static final long MAX_COPIES = 1 << 20;

  /** Some thousand years; more would overflow in nanoseconds. */
  private static final long MAX_MILLIS = 1L << 46;

  private RecordCodec() {}

  /**
   * A decoded record.
   *
   * @param notBefore when it may first be delivered, in milliseconds of the wall clock; 0: at once
   * @param diedIn of a dead letter, the group in which it died, as far as it says so
   */
  record Decoded(Envelope envelope, Copy copy, long notBefore, @Nullable String diedIn) {

    /** How often the message was copied to a new record. */
    int copies() {
      return copy.number();
    }

    /** What a record carries that brings this dead letter back. */
    Copy redriven() {
      return new Copy((int) Math.min(copy.number() + 1L, MAX_COPIES), copy.fence(), diedIn);
    }

    /** Whether the record is a copy that some other group asked for: to be settled unseen. */
    boolean isForOtherThan(String mine) {
      return copy.group() != null && !copy.group().equals(mine);
    }
  }

  /** The record cannot be represented as a message; the text says why. */
  static final class UndecodableException extends Exception {
    private static final long serialVersionUID = 1L;

    UndecodableException(String reason) {
      super(reason, null, false, false);
    }
  }

  static ProducerRecord<byte[], byte[]> encode(
      String topic, Envelope envelope, int copies, long notBefore) {
    return encode(topic, envelope, new Copy(copies, 0, null), notBefore);
  }

  static ProducerRecord<byte[], byte[]> encode(
      String topic, Envelope envelope, Copy copy, long notBefore) {
    Message message = envelope.message();
    RecordHeaders headers = new RecordHeaders();
    message.headers().forEach((name, value) -> headers.add(name, utf8(value)));
    envelope
        .metadata()
        .forEach(
            (name, value) -> {
              if (!name.equals(KEY)) {
                headers.add(name, utf8(value));
              }
            });
    if (copy.number() > 0) {
      headers.add(COPIES, utf8(Integer.toString(copy.number())));
    }
    if (copy.fence() > 0) {
      headers.add(FENCE, utf8(Long.toString(copy.fence())));
    }
    if (notBefore > 0) {
      headers.add(NOT_BEFORE, utf8(Long.toString(notBefore)));
    }
    if (copy.group() != null) {
      headers.add(GROUP, utf8(copy.group()));
    }
    byte @Nullable [] key = message.key().map(RecordCodec::utf8).orElse(null);
    return new ProducerRecord<>(topic, null, key, message.body(), headers);
  }

  /**
   * A dead letter.
   *
   * @param last the number of copies, fencing token and group that it died with
   */
  static ProducerRecord<byte[], byte[]> encodeDead(String topic, Envelope dead, Copy last) {
    ProducerRecord<byte[], byte[]> record =
        encode(topic, dead, new Copy(last.number(), last.fence(), null), 0);
    if (last.group() != null) {
      record.headers().add(DIED_IN, utf8(last.group()));
    }
    return record;
  }

  static Decoded decode(ConsumerRecord<byte[], byte[]> record) throws UndecodableException {
    byte @Nullable [] body = record.value();
    if (body == null) {
      throw new UndecodableException("The record has no value.");
    }
    Map<String, String> user = Map.of();
    Map<String, String> reserved = new HashMap<>();
    for (Header header : record.headers()) {
      String name = header.key();
      byte @Nullable [] value = header.value();
      if (value == null) {
        throw new UndecodableException("A header has no value.");
      }
      Map<String, String> target = reserved;
      if (!isReserved(name)) {
        // Made when it is needed: this is the thread of the consumer, on which all depends.
        user = user.isEmpty() ? new LinkedHashMap<>() : user;
        target = user;
      }
      if (target.put(name, text(value, "The value of a header")) != null) {
        throw new UndecodableException("A header occurs twice.");
      }
    }
    byte @Nullable [] key = record.key();
    if (key == null) {
      reserved.remove(KEY);
    } else {
      reserved.put(KEY, text(key, "The key"));
    }
    int copies = (int) count(COPIES, reserved.get(COPIES), MAX_COPIES);
    long fence = count(FENCE, reserved.get(FENCE), Long.MAX_VALUE);
    long notBefore = count(NOT_BEFORE, reserved.get(NOT_BEFORE), MAX_MILLIS);
    try {
      Envelope envelope =
          Envelope.read(
              body,
              user,
              reserved,
              reserved.containsKey(ID)
                  ? ""
                  : record.topic() + "-" + record.partition() + "-" + record.offset(),
              Instant.ofEpochMilli(Math.max(0, record.timestamp())));
      return new Decoded(
          envelope, new Copy(copies, fence, reserved.get(GROUP)), notBefore, reserved.get(DIED_IN));
    } catch (QueueException e) {
      throw new UndecodableException(String.valueOf(e.getMessage()));
    }
  }

  /**
   * The dead letter of a record that could not be decoded: value, key and headers byte for byte,
   * but for reserved names, which would be taken for the library's own.
   *
   * @param group the group that could not decode it
   */
  static ProducerRecord<byte[], byte[]> undecodableDeadLetter(
      String topic, ConsumerRecord<byte[], byte[]> record, DeadLetter letter, String group) {
    RecordHeaders headers = new RecordHeaders();
    for (Header header : record.headers()) {
      String name = header.key();
      headers.add(isReserved(name) ? ALIEN_PREFIX + name : name, header.value());
    }
    Envelope envelope =
        new Envelope(
            record.topic() + "-" + record.partition() + "-" + record.offset(),
            Message.of(new byte[0]),
            Instant.ofEpochMilli(Math.max(0, record.timestamp())),
            letter.attempts(),
            letter);
    envelope.metadata().forEach((name, value) -> headers.add(name, utf8(value)));
    headers.add(DIED_IN, utf8(group));
    return new ProducerRecord<>(topic, null, record.key(), record.value(), headers);
  }

  /**
   * When a waiting record is due, without decoding the rest of it: 0 when it does not say, and -1
   * when what it says cannot be read.
   */
  static long notBefore(Headers headers) {
    Header header = headers.lastHeader(NOT_BEFORE);
    byte @Nullable [] value = header == null ? null : header.value();
    if (header == null || value == null) {
      return header == null ? 0 : -1;
    }
    try {
      return count(NOT_BEFORE, new String(value, StandardCharsets.UTF_8), MAX_MILLIS);
    } catch (UndecodableException e) {
      return -1;
    }
  }

  private static boolean isReserved(String name) {
    String prefix = Message.RESERVED_HEADER_PREFIX;
    return name.regionMatches(true, 0, prefix, 0, prefix.length());
  }

  private static long count(String name, @Nullable String text, long max)
      throws UndecodableException {
    if (text == null) {
      return 0;
    }
    try {
      long count = Long.parseLong(text);
      if (count > 0 && count <= max) {
        return count;
      }
    } catch (NumberFormatException e) {
      // Falls through: not what the library writes.
    }
    throw new UndecodableException("The reserved header " + name + " is not what it should be.");
  }

  private static String text(byte[] bytes, String what) throws UndecodableException {
    String text = new String(bytes, StandardCharsets.UTF_8);
    // Malformed bytes become U+FFFD; the comparison keeps a true U+FFFD legal.
    if (text.indexOf('\uFFFD') >= 0 && !Arrays.equals(bytes, utf8(text))) {
      throw new UndecodableException(what + " is not UTF-8.");
    }
    return text;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
