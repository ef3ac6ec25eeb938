package dev.forebay.queue.kafka;

import dev.forebay.queue.Message;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * A record that says of an earlier one in the same partition of a dead-letter topic that it is
 * dealt with: redriven or discarded. It has no value, and one header with the verdict and the
 * offset.
 *
 * <p>In the same partition, because then it comes after the dead letter, and retention, which goes
 * by age or by size from the front, cannot take the mark before what it marks. Written twice, or by
 * two processes at once, it says the same. Stateless.
 */
final class DeadLetterMark {

  private static final String HEADER = Message.RESERVED_HEADER_PREFIX + "mark";

  /** What was done with a dead letter; for people who look at the topic. */
  enum Verdict {
    REDRIVEN,
    DISCARDED
  }

  private DeadLetterMark() {}

  static ProducerRecord<byte[], byte[]> of(
      ConsumerRecord<byte[], byte[]> deadLetter, Verdict verdict) {
    RecordHeaders headers = new RecordHeaders();
    String text = verdict + " " + deadLetter.offset();
    headers.add(HEADER, text.getBytes(StandardCharsets.UTF_8));
    return new ProducerRecord<>(
        deadLetter.topic(), deadLetter.partition(), null, null, null, headers);
  }

  static boolean isMark(ConsumerRecord<byte[], byte[]> record) {
    return record.value() == null && record.headers().lastHeader(HEADER) != null;
  }

  /** The offset a mark is about; empty when it is none that the library writes. */
  static OptionalLong marked(ConsumerRecord<byte[], byte[]> record) {
    Header header = record.value() == null ? record.headers().lastHeader(HEADER) : null;
    if (header == null || header.value() == null) {
      return OptionalLong.empty();
    }
    String text = new String(header.value(), StandardCharsets.UTF_8);
    try {
      long offset = Long.parseLong(text.substring(text.indexOf(' ') + 1));
      return offset >= 0 && offset < record.offset()
          ? OptionalLong.of(offset)
          : OptionalLong.empty();
    } catch (NumberFormatException e) {
      return OptionalLong.empty();
    }
  }
}
