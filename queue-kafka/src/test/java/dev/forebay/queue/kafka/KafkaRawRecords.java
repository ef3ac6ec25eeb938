package dev.forebay.queue.kafka;

import dev.forebay.queue.testkit.contract.RawRecords;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writes records as a producer without the library does. */
final class KafkaRawRecords implements RawRecords {

  private final EmbeddedKafka kafka;

  KafkaRawRecords(EmbeddedKafka kafka) {
    this.kafka = kafka;
  }

  @Override
  public void putUndecodable(String name) {
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(name, utf8("broken"));
    record.headers().add("forebay-attempts", utf8("many"));
    put(record);
  }

  @Override
  public void putForeign(String name, byte[] body) {
    put(new ProducerRecord<>(name, body));
  }

  void put(ProducerRecord<byte[], byte[]> record) {
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            kafka.clientProperties(), new ByteArraySerializer(), new ByteArraySerializer())) {
      producer.send(record).get(30, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new IllegalStateException("cannot write a raw record", e);
    }
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
