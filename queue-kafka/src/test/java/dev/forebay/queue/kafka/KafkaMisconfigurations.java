package dev.forebay.queue.kafka;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.testkit.contract.Misconfiguration;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Builds that must fail, on the one broker of this JVM. */
final class KafkaMisconfigurations {

  private KafkaMisconfigurations() {}

  private static WorkQueue withDelays(
      EmbeddedKafka kafka, String topic, int partitions, Map<String, String> configs) {
    kafka.createTopic(topic, 1);
    kafka.createTopic(topic + ".delays", partitions, configs);
    return KafkaWorkQueue.shared(kafka.clientProperties(), topic).withoutDeadLetters().build();
  }

  /** Starts to build a queue in one of the modes. */
  interface Mode {
    KafkaQueueBuilder<?> builder(Map<String, ?> clientProperties, String topic);
  }

  /** Those of share groups. */
  static List<Misconfiguration> all(EmbeddedKafka kafka) {
    List<Misconfiguration> all = new ArrayList<>(ofAnyMode(kafka, KafkaWorkQueue::shared));
    String topic = "misconfigured";
    all.addAll(
        List.of(
            new Misconfiguration(
                "a lease below the broker's limit",
                ErrorCode.MISCONFIGURED,
                "group.share.min.record.lock.duration.ms",
                () ->
                    KafkaWorkQueue.shared(kafka.clientProperties(), topic)
                        .withoutDeadLetters()
                        .withoutDelays()
                        .lease(Duration.ofMillis(200))
                        .build()),
            new Misconfiguration(
                "a lease above the broker's limit",
                ErrorCode.MISCONFIGURED,
                "extending",
                () ->
                    KafkaWorkQueue.shared(kafka.clientProperties(), topic)
                        .withoutDeadLetters()
                        .withoutDelays()
                        .lease(Duration.ofMinutes(10))
                        .build())));
    return all;
  }

  static List<Misconfiguration> ofAnyMode(EmbeddedKafka kafka, Mode mode) {
    String topic = "misconfigured";
    kafka.createTopic(topic, 1);
    Map<String, Object> withoutAcks = kafka.clientProperties();
    withoutAcks.put("acks", "1");
    return List.of(
        new Misconfiguration(
            "a topic that does not exist",
            ErrorCode.NOT_FOUND,
            "kafka-topics.sh --create --topic no-such-topic",
            () -> mode.builder(kafka.clientProperties(), "no-such-topic").build()),
        new Misconfiguration(
            "a topic of dead letters that does not exist",
            ErrorCode.NOT_FOUND,
            "kafka-topics.sh --create --topic misconfigured.dlq",
            () -> mode.builder(kafka.clientProperties(), topic).build()),
        new Misconfiguration(
            "a topic of delays that does not exist",
            ErrorCode.NOT_FOUND,
            "kafka-topics.sh --create --topic misconfigured.delays --partitions 20",
            () ->
                KafkaWorkQueue.shared(kafka.clientProperties(), topic)
                    .withoutDeadLetters()
                    .build()),
        new Misconfiguration(
            "a topic of delays with too few partitions",
            ErrorCode.MISCONFIGURED,
            "kafka-topics.sh --alter --topic few.delays --partitions 20",
            () -> withDelays(kafka, "few", 19, Map.of())),
        new Misconfiguration(
            "a topic of delays that forgets too soon",
            ErrorCode.MISCONFIGURED,
            "--add-config retention.ms=604800000",
            () -> withDelays(kafka, "short", 20, Map.of("retention.ms", "3600000"))),
        new Misconfiguration(
            "a topic of delays that keeps one message a key",
            ErrorCode.MISCONFIGURED,
            "--add-config cleanup.policy=delete",
            () -> withDelays(kafka, "compacted", 20, Map.of("cleanup.policy", "compact"))),
        new Misconfiguration(
            "a topic of delays of bounded size",
            ErrorCode.MISCONFIGURED,
            "--add-config retention.bytes=-1",
            () -> withDelays(kafka, "small", 20, Map.of("retention.bytes", "1000000"))),
        new Misconfiguration(
            "a topic name that cannot exist",
            ErrorCode.MISCONFIGURED,
            "letters, digits",
            () -> mode.builder(kafka.clientProperties(), "no such topic").build()),
        new Misconfiguration(
            "nobody listens at the endpoint",
            ErrorCode.UNAVAILABLE,
            "Check bootstrap.servers",
            () ->
                mode.builder(Map.of("bootstrap.servers", "127.0.0.1:1"), topic)
                    .answerWithin(Duration.ofSeconds(2))
                    .build()),
        new Misconfiguration(
            "an endpoint that is none",
            ErrorCode.MISCONFIGURED,
            "Check the properties",
            () -> mode.builder(Map.of("bootstrap.servers", "nowhere"), topic).build()),
        new Misconfiguration(
            "no endpoint",
            ErrorCode.MISCONFIGURED,
            "bootstrap.servers",
            () -> mode.builder(Map.of(), topic).build()),
        new Misconfiguration(
            "acks that lose messages",
            ErrorCode.MISCONFIGURED,
            "acks",
            () -> mode.builder(withoutAcks, topic).build()),
        new Misconfiguration(
            "properties that no client takes",
            ErrorCode.MISCONFIGURED,
            "Check the properties",
            () ->
                mode.builder(
                        Map.of(
                            "bootstrap.servers",
                            kafka.bootstrapServers(),
                            "security.protocol",
                            "CARRIER_PIGEON"),
                        topic)
                    .build()));
  }
}
