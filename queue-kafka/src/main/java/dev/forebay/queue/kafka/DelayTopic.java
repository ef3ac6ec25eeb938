package dev.forebay.queue.kafka;

import dev.forebay.queue.spi.Envelope;
import java.time.Duration;
import java.time.Instant;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * The records of a delay topic: which partition they go to and what they carry. Immutable.
 *
 * <p>On its way a record is copied byte for byte, without being decoded: what cannot be decoded
 * travels like anything else and is found out in the queue's topic (P5).
 *
 * @param name the delay topic
 * @param target the queue's topic
 */
record DelayTopic(String name, String target) {

  /** The delay topic of a queue's topic. */
  static DelayTopic of(String target) {
    return new DelayTopic(target + ".delays", target);
  }

  /** The consumer group of all who move its records on. */
  String group() {
    return "forebay-" + name;
  }

  /** When a message may be delivered that is delayed now, rounded up: never early (E4). */
  static long notBefore(Instant now, Duration delay) {
    return now.plus(delay).toEpochMilli() + 1;
  }

  /** The record of a message that is delayed at {@code now}, in milliseconds of the wall clock. */
  ProducerRecord<byte[], byte[]> first(Envelope envelope, Copy copy, long notBefore, long now) {
    ProducerRecord<byte[], byte[]> plain =
        RecordCodec.encode(name, envelope, copy, Math.max(1, notBefore));
    return new ProducerRecord<>(
        name,
        DelayClasses.of(notBefore - now),
        Math.min(now, notBefore),
        plain.key(),
        plain.value(),
        plain.headers());
  }

  /** The record that waits on in another class, from {@code begin} on. */
  ProducerRecord<byte[], byte[]> next(
      ConsumerRecord<byte[], byte[]> record, int index, long begin) {
    return new ProducerRecord<>(
        name, index, Math.max(0, begin), record.key(), record.value(), record.headers());
  }

  /**
   * The record that goes to the queue's topic because it is due. A not-before header that cannot be
   * read stays, so that the record is recognised as undecodable there.
   */
  ProducerRecord<byte[], byte[]> due(ConsumerRecord<byte[], byte[]> record, long notBefore) {
    Headers headers = new RecordHeaders(record.headers());
    if (notBefore > 0) {
      headers.remove(RecordCodec.NOT_BEFORE);
    }
    return new ProducerRecord<>(target, null, record.key(), record.value(), headers);
  }
}
