package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.kafka.KafkaWorkQueue;
import dev.forebay.queue.loadtest.model.TimeOuts;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A topic and a share group on the Kafka broker of this JVM, or on the cluster that the system
 * properties of {@link EmbeddedKafka} name. Thread-safe.
 */
final class KafkaBackend implements Backend {
  private static final int PARTITIONS = 3;

  /** What {@link KafkaWorkQueue} asks for. */
  private static final int DELAY_CLASSES = 20;

  private final TimeOuts timeOuts;
  private final EmbeddedKafka cluster;
  private final String topic = "loadtest-" + UUID.randomUUID();

  private KafkaBackend(TimeOuts timeOuts, EmbeddedKafka cluster) {
    this.timeOuts = timeOuts;
    this.cluster = cluster;
    cluster.createTopic(topic, PARTITIONS);
    cluster.createTopic(topic + ".dlq", 1);
    cluster.createTopic(topic + ".delays", DELAY_CLASSES);
  }

  static KafkaBackend start(TimeOuts timeOuts) {
    return new KafkaBackend(timeOuts, EmbeddedKafka.shared());
  }

  @Override
  public WorkQueue open() {
    return KafkaWorkQueue.shared(cluster.clientProperties(), topic)
        .group(topic)
        .lease(timeOuts.lease())
        .build();
  }

  @Override
  public @Nullable Long apiCalls() {
    return null;
  }

  @Override
  public void resetApiCalls() {}

  @Override
  public List<String> notes() {
    return List.of(
        "Share group on a topic of "
            + PARTITIONS
            + " partitions at "
            + cluster.bootstrapServers()
            + ". Record locks of less than 15 s need a broker that is configured for them.");
  }

  @Override
  public void close() {}
}
