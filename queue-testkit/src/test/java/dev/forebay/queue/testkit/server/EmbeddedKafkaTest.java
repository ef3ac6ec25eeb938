package dev.forebay.queue.testkit.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;

class EmbeddedKafkaTest {

  @Test
  void threeNodes_serveWhileOneIsStopped_andItsDataStays() throws Exception {
    try (EmbeddedKafka kafka = EmbeddedKafka.start(3)) {
      kafka.createTopic("jobs", 3);
      kafka.createTopic("jobs", 3);
      assertThat(kafka.admin().describeCluster().nodes().get(10, TimeUnit.SECONDS)).hasSize(3);

      kafka.stopNode(1);
      try (KafkaProducer<byte[], byte[]> producer = producer(kafka.clientProperties())) {
        for (int partition = 0; partition < 3; partition++) {
          assertThat(send(producer, partition)).isZero();
        }
        kafka.startNode(1);
        kafka.stopNode(0);
        for (int partition = 0; partition < 3; partition++) {
          assertThat(send(producer, partition)).isEqualTo(1);
        }
      }
    }
  }

  @Test
  void oneNode_keepsItsDataOverARestart() throws Exception {
    try (EmbeddedKafka kafka = EmbeddedKafka.start(1)) {
      kafka.createTopic("jobs", 1);
      try (KafkaProducer<byte[], byte[]> producer = producer(kafka.clientProperties())) {
        assertThat(send(producer, 0)).isZero();
        kafka.stopNode(0);
        assertThatThrownBy(() -> kafka.stopNode(0)).isInstanceOf(IllegalStateException.class);
        kafka.startNode(0);
        assertThat(send(producer, 0)).isEqualTo(1);
      }
    }
  }

  @Test
  void aNodeWhosePortIsTaken_failsToStart_andTheJvmLivesOn() throws Exception {
    try (EmbeddedKafka kafka = EmbeddedKafka.start(1)) {
      String[] address = kafka.bootstrapServers().split(":");
      kafka.stopNode(0);
      try (ServerSocket taken =
          new ServerSocket(Integer.parseInt(address[1]), 1, InetAddress.getByName(address[0]))) {
        assertThat(taken.isBound()).isTrue();
        assertThatThrownBy(() -> kafka.startNode(0)).isInstanceOf(RuntimeException.class);
      }
    }
  }

  @Test
  void users_haveNoPermissionUntilGiven_andAWrongPasswordIsRefused() {
    try (EmbeddedKafka kafka =
        EmbeddedKafka.builder().users(Map.of("worker", "worker-password")).start()) {
      kafka.createTopic("jobs", 1);
      try (KafkaProducer<byte[], byte[]> producer =
          producer(login(kafka, "worker", "worker-password"))) {
        assertThatThrownBy(() -> send(producer, 0))
            .isInstanceOf(ExecutionException.class)
            .hasCauseInstanceOf(TopicAuthorizationException.class);
      }
      try (Admin admin = Admin.create(login(kafka, "worker", "other"))) {
        assertThatThrownBy(() -> admin.describeCluster().nodes().get(20, TimeUnit.SECONDS))
            .hasCauseInstanceOf(SaslAuthenticationException.class);
      }
    }
  }

  @Test
  void withoutShareGroups_theFeatureIsOff() throws Exception {
    try (EmbeddedKafka kafka = EmbeddedKafka.builder().withoutShareGroups().start()) {
      assertThat(
              kafka
                  .admin()
                  .describeFeatures()
                  .featureMetadata()
                  .get(10, TimeUnit.SECONDS)
                  .finalizedFeatures())
          .doesNotContainKey("share.version");
    }
  }

  private static long send(KafkaProducer<byte[], byte[]> producer, int partition) throws Exception {
    return producer
        .send(new ProducerRecord<>("jobs", partition, null, "job".getBytes(StandardCharsets.UTF_8)))
        .get(30, TimeUnit.SECONDS)
        .offset();
  }

  private static KafkaProducer<byte[], byte[]> producer(Map<String, Object> properties) {
    return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  private static Map<String, Object> login(EmbeddedKafka kafka, String user, String password) {
    Map<String, Object> properties = kafka.clientProperties();
    properties.put("bootstrap.servers", kafka.securedBootstrapServers());
    properties.put("security.protocol", "SASL_PLAINTEXT");
    properties.put("sasl.mechanism", "PLAIN");
    properties.put(
        "sasl.jaas.config",
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\""
            + user
            + "\" password=\""
            + password
            + "\";");
    return properties;
  }
}
