package dev.forebay.queue.kafka;

import dev.forebay.queue.testkit.history.HistoryRecorder;
import dev.forebay.queue.testkit.history.Workload;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import dev.forebay.queue.time.SystemTimeSource;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads what the group of a keyed queue has committed, again and again, and at last the topic
 * itself, by clients of its own: what another tool or the next member would see. Belongs to one
 * thread.
 */
final class KeyedWitness implements Workload.Witness {

  private static final Duration LONG = Duration.ofSeconds(60);

  private final EmbeddedKafka kafka;
  private final Map<TopicPartition, OffsetAndMetadata> last = new HashMap<>();
  private final Map<TopicPartition, Set<Long>> told = new HashMap<>();

  KeyedWitness(EmbeddedKafka kafka) {
    this.kafka = kafka;
  }

  @Override
  public void look(String name, HistoryRecorder recorder) {
    long since = SystemTimeSource.get().nanoTime();
    Map<TopicPartition, OffsetAndMetadata> committed;
    try {
      committed =
          kafka
              .admin()
              .listConsumerGroupOffsets("forebay-keyed-" + name)
              .partitionsToOffsetAndMetadata()
              .get(LONG.toSeconds(), TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new AssertionError("The group's offsets cannot be read", e);
    }
    committed.forEach(
        (partition, value) -> {
          if (value != null && !value.equals(last.put(partition, value))) {
            note(recorder, partition, value, since);
          }
        });
  }

  private void note(
      HistoryRecorder recorder, TopicPartition partition, OffsetAndMetadata value, long since) {
    long offset = value.offset();
    KeyedMetadata.Restored restored = KeyedMetadata.decode(value.metadata(), offset);
    if (restored == null) {
      throw new AssertionError(
          "C8: unreadable metadata, committed for " + partition + ": " + value);
    }
    String name = partition.toString();
    recorder.commit(name, offset, value.metadata().length(), restored.term(), since);
    Set<Long> known = told.computeIfAbsent(partition, p -> new TreeSet<>());
    for (long at = offset; at < restored.resolved().end(offset); at++) {
      if (restored.resolved().get(at) && known.add(at)) {
        recorder.resolved(name, at, since);
      }
    }
  }

  @Override
  public void lookAtLast(String name, HistoryRecorder recorder) {
    look(name, recorder);
    try (KafkaConsumer<byte[], byte[]> reader =
        new KafkaConsumer<>(
            kafka.clientProperties(), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          reader.partitionsFor(name).stream()
              .map(info -> new TopicPartition(name, info.partition()))
              .toList();
      reader.assign(partitions);
      reader.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = reader.endOffsets(partitions);
      while (partitions.stream()
          .anyMatch(each -> reader.position(each) < ends.getOrDefault(each, 0L))) {
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(500))) {
          String partition = new TopicPartition(name, record.partition()).toString();
          recorder.position(partition, record.offset(), id(record));
        }
      }
      ends.forEach((partition, end) -> recorder.logEnd(partition.toString(), end));
    }
  }

  private static String id(ConsumerRecord<byte[], byte[]> record) {
    try {
      return RecordCodec.decode(record).envelope().id();
    } catch (RecordCodec.UndecodableException e) {
      throw new AssertionError("The run writes nothing of this kind", e);
    }
  }
}
