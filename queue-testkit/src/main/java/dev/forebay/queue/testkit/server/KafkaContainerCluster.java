package dev.forebay.queue.testkit.server;

import com.github.dockerjava.api.exception.DockerException;
import com.github.dockerjava.api.exception.NotFoundException;
import java.util.Map;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.kafka.KafkaContainer;
import org.testcontainers.utility.DockerImageName;

/**
 * One broker in a container, by Testcontainers.
 *
 * <p>Looks for the image before it starts anything: an engine without the image would try to pull
 * for two minutes, and a test run must not depend on a registry.
 */
final class KafkaContainerCluster implements EmbeddedKafka.Cluster {

  private static final String IMAGE = "apache/kafka:4.4.0";

  /** The settings of {@link KafkaNodes} that make tests quick. */
  private static final Map<String, String> ENVIRONMENT =
      Map.of(
          "KAFKA_GROUP_SHARE_MIN_RECORD_LOCK_DURATION_MS", "1000",
          "KAFKA_GROUP_SHARE_HEARTBEAT_INTERVAL_MS", "500",
          "KAFKA_GROUP_SHARE_MIN_HEARTBEAT_INTERVAL_MS", "500",
          "KAFKA_GROUP_SHARE_ASSIGNMENT_INTERVAL_MS", "0",
          "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR", "1",
          "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR", "1",
          "KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false");

  private final KafkaContainer container;

  private KafkaContainerCluster(KafkaContainer container) {
    this.container = container;
  }

  static KafkaContainerCluster start() {
    if (!DockerClientFactory.instance().isDockerAvailable()) {
      throw new ServerUnavailableException("no container engine answers");
    }
    try {
      DockerClientFactory.lazyClient().inspectImageCmd(IMAGE).exec();
    } catch (NotFoundException e) {
      throw new ServerUnavailableException(
          "the image " + IMAGE + " is not present; docker pull " + IMAGE + " gets it");
    } catch (DockerException e) {
      throw new ServerUnavailableException("the container engine refuses: " + e.getMessage());
    }
    KafkaContainer container =
        new KafkaContainer(DockerImageName.parse(IMAGE))
            .withImagePullPolicy(image -> false)
            .withEnv(ENVIRONMENT);
    container.start();
    return new KafkaContainerCluster(container);
  }

  @Override
  public String bootstrapServers() {
    return container.getBootstrapServers();
  }

  @Override
  public String securedBootstrapServers() {
    throw new UnsupportedOperationException("the container has no listener with a login");
  }

  @Override
  public int size() {
    return 0;
  }

  @Override
  public void stop(int node) {
    throw new UnsupportedOperationException("nodes of a container cannot be stopped one by one");
  }

  @Override
  public void start(int node) {
    throw new UnsupportedOperationException("nodes of a container cannot be started one by one");
  }

  @Override
  public void close() {
    container.stop();
  }
}
