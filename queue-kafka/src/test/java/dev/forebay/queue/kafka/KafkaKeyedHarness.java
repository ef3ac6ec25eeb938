package dev.forebay.queue.kafka;

import dev.forebay.queue.KeyPolicy;
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
import java.util.Set;
import java.util.function.Supplier;

/** Consumer groups on the one broker of this JVM, two partitions a topic. */
final class KafkaKeyedHarness implements WorkQueueHarness {

  private final EmbeddedKafka kafka = EmbeddedKafka.shared();

  @Override
  public WorkQueue open(String name, QueueSettings settings) {
    return open(kafka, name, settings);
  }

  static WorkQueue open(EmbeddedKafka kafka, String name, QueueSettings settings) {
    kafka.createTopic(name, 2);
    kafka.createTopic(name + ".dlq", 1);
    kafka.createTopic(name + ".delays", DelayClasses.COUNT);
    KafkaKeyedBuilder builder = builder(kafka, name, settings);
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

  /**
   * Objects that the kit leaves alone give way to the other "processes" soon; what they hold when
   * another one joins they may keep for as long as a test takes.
   */
  private static KafkaKeyedBuilder builder(
      EmbeddedKafka kafka, String topic, QueueSettings settings) {
    return KafkaWorkQueue.keyed(kafka.clientProperties(), topic)
        .lease(settings.lease())
        .grace(settings.grace())
        .keyPolicy(settings.keyPolicy())
        .handOver(Duration.ofMinutes(1))
        .idleAfter(Duration.ofSeconds(2));
  }

  @Override
  public Set<KeyPolicy> keyPolicies() {
    return Set.of(KeyPolicy.STRICT, KeyPolicy.RELAXED);
  }

  /** Two seconds pass in one stall of a busy machine. */
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
    return Optional.of(() -> new KafkaOutage(KafkaKeyedHarness::open));
  }

  @Override
  public List<Misconfiguration> misconfigurations() {
    return KafkaMisconfigurations.ofAnyMode(kafka, KafkaWorkQueue::keyed);
  }
}
