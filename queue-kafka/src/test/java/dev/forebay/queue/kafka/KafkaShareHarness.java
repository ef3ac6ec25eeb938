package dev.forebay.queue.kafka;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.testkit.contract.BrokerOutage;
import dev.forebay.queue.testkit.contract.Misconfiguration;
import dev.forebay.queue.testkit.contract.QueueSettings;
import dev.forebay.queue.testkit.contract.RawRecords;
import dev.forebay.queue.testkit.contract.WorkQueueHarness;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Share groups on the one broker of this JVM, two partitions a topic. */
final class KafkaShareHarness implements WorkQueueHarness {

  private final EmbeddedKafka kafka = EmbeddedKafka.shared();

  @Override
  public WorkQueue open(String name, QueueSettings settings) {
    return open(kafka, name, settings);
  }

  static WorkQueue open(EmbeddedKafka kafka, String name, QueueSettings settings) {
    kafka.createTopic(name, 2);
    kafka.createTopic(name + ".dlq", 1);
    kafka.createTopic(name + ".delays", DelayClasses.COUNT);
    KafkaShareBuilder builder = builder(kafka, name, settings);
    return (settings.deadLetters() ? builder : builder.withoutDeadLetters()).build();
  }

  @Override
  public void delete(String name) {
    kafka.deleteTopics(name, name + ".dlq", name + ".delays");
  }

  @Override
  public WorkQueue openDeadLetters(String name, QueueSettings settings) {
    return builder(kafka, name + ".dlq", settings).withoutDeadLetters().withoutDelays().build();
  }

  private static KafkaShareBuilder builder(
      EmbeddedKafka kafka, String topic, QueueSettings settings) {
    return KafkaWorkQueue.shared(kafka.clientProperties(), topic)
        .lease(settings.lease())
        .grace(settings.grace());
  }

  /** The lane and the broker share two busy cores with the test: two seconds pass in one stall. */
  @Override
  public Duration shortLease() {
    return Duration.ofSeconds(3);
  }

  @Override
  public Optional<RawRecords> rawRecords() {
    return Optional.of(new KafkaRawRecords(kafka));
  }

  @Override
  public Optional<Supplier<BrokerOutage>> outage() {
    return Optional.of(() -> new KafkaOutage(KafkaShareHarness::open));
  }

  @Override
  public List<Misconfiguration> misconfigurations() {
    return KafkaMisconfigurations.all(kafka);
  }
}
