package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ShareGroupDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * A topic with dead letters of its own on an embedded broker, queues on it, and what the broker
 * says about them. Closes what it opened. For one test.
 */
final class ShareRig implements AutoCloseable {

  /** Long enough for anything that comes at all, on a machine that is busy. */
  static final Duration SOON = Duration.ofSeconds(60);

  private static final AtomicInteger NUMBER = new AtomicInteger();

  final EmbeddedKafka kafka;
  final String topic = "rig-" + NUMBER.incrementAndGet();
  final String deadLetters = topic + ".dlq";
  final String group = "forebay-" + topic;
  private final List<AutoCloseable> opened = new ArrayList<>();

  private ShareRig(EmbeddedKafka kafka, int partitions) {
    this.kafka = kafka;
    kafka.createTopic(topic, partitions);
    kafka.createTopic(deadLetters, 1);
  }

  /** On the one broker of this JVM. */
  static ShareRig withPartitions(int partitions) {
    EmbeddedKafka kafka = EmbeddedKafka.shared();
    assumeTrue(kafka.nodes() > 0, "a cluster from outside refuses leases of seconds");
    return new ShareRig(kafka, partitions);
  }

  static ShareRig on(EmbeddedKafka kafka, int partitions) {
    return new ShareRig(kafka, partitions);
  }

  <T extends AutoCloseable> T open(T resource) {
    opened.add(resource);
    return resource;
  }

  KafkaShareBuilder builder(Duration lease) {
    return KafkaWorkQueue.shared(kafka.clientProperties(), topic)
        .withoutDelays()
        .lease(lease)
        .grace(Duration.ofSeconds(5));
  }

  KafkaWorkQueue queue(Duration lease) {
    return open(builder(lease).build());
  }

  /** A consumer as a lane has it, without the library around it. */
  KafkaShareConsumer<byte[], byte[]> rawMember(String clientId) {
    Map<String, Object> properties =
        new ClientProperties(kafka.clientProperties(), topic).lane(group, 1, clientId);
    KafkaShareConsumer<byte[], byte[]> consumer = open(new KafkaShareConsumer<>(properties));
    consumer.subscribe(List.of(topic));
    return consumer;
  }

  void put(ProducerRecord<byte[], byte[]> record) {
    new KafkaRawRecords(kafka).put(record);
  }

  static void fill(WorkQueue queue, int count) throws Exception {
    List<Message> messages = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      messages.add(Message.text("job " + i));
    }
    queue
        .enqueueAll(messages)
        .get(SOON.toSeconds(), TimeUnit.SECONDS)
        .forEach(outcome -> outcome.orThrow());
  }

  static Delivery take(WorkQueue queue) {
    return queue.poll(SOON).orElseThrow(() -> new AssertionError("nothing came"));
  }

  /** Polls until so many deliveries are in hand. */
  static List<Delivery> take(WorkQueue queue, int count) {
    List<Delivery> taken = new ArrayList<>();
    while (taken.size() < count) {
      List<Delivery> more = queue.poll(count - taken.size(), SOON);
      assertThat(more).as("%d of %d came", taken.size(), count).isNotEmpty();
      taken.addAll(more);
    }
    return taken;
  }

  /** The partitions of each member of the group, by client id. */
  Map<String, Set<Integer>> members() throws Exception {
    try {
      ShareGroupDescription description =
          kafka
              .admin()
              .describeShareGroups(List.of(group))
              .describedGroups()
              .get(group)
              .get(30, TimeUnit.SECONDS);
      return description.members().stream()
          .collect(
              Collectors.toMap(
                  member -> member.clientId(),
                  member ->
                      member.assignment().topicPartitions().stream()
                          .map(TopicPartition::partition)
                          .collect(Collectors.toSet())));
    } catch (ExecutionException e) {
      if (e.getCause() instanceof GroupIdNotFoundException) {
        return Map.of();
      }
      throw e;
    }
  }

  Config groupConfig() throws Exception {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.GROUP, group);
    return kafka
        .admin()
        .describeConfigs(List.of(resource))
        .all()
        .get(30, TimeUnit.SECONDS)
        .get(resource);
  }

  /** The records of a topic from its start, as a consumer without the library sees them. */
  List<ConsumerRecord<byte[], byte[]>> records(String of, int count) {
    Map<String, Object> properties = new LinkedHashMap<>(kafka.clientProperties());
    List<ConsumerRecord<byte[], byte[]>> found = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(of).stream()
              .map(info -> new TopicPartition(of, info.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      for (int polls = 0; found.size() < count && polls < 60; polls++) {
        consumer.poll(Duration.ofSeconds(1)).forEach(found::add);
      }
    }
    return found;
  }

  @Override
  public void close() throws Exception {
    for (int i = opened.size() - 1; i >= 0; i--) {
      opened.get(i).close();
    }
  }
}
