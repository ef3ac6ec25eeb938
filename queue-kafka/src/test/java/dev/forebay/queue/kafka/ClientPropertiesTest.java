package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ClientPropertiesTest {

  private static final Map<String, Object> SECURITY =
      Map.of(
          "security.protocol", "SASL_SSL",
          "sasl.mechanism", "SCRAM-SHA-512",
          "sasl.jaas.config", "ScramLoginModule required username=\"u\" password=\"p\";",
          "ssl.truststore.location", "/etc/kafka/trust.p12",
          "ssl.truststore.password", "trust-password",
          "ssl.keystore.certificate.chain", "-----BEGIN CERTIFICATE-----",
          "ssl.endpoint.identification.algorithm", "https",
          "sasl.login.callback.handler.class", "com.example.Tokens");

  private static ClientProperties of(Map<String, ?> given) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("bootstrap.servers", "broker:9093");
    all.putAll(given);
    return new ClientProperties(all, "jobs");
  }

  private static List<Map<String, Object>> clients(ClientProperties properties) {
    return List.of(
        properties.admin(1_000), properties.producer(), properties.lane("group", 1, "lane-1"));
  }

  @Test
  void tlsAndSasl_reachEveryClientUntouched() {
    for (Map<String, Object> client : clients(of(SECURITY))) {
      assertThat(client).containsAllEntriesOf(SECURITY);
      assertThat(client).containsEntry("bootstrap.servers", "broker:9093");
    }
  }

  @Test
  void aPropertyNoClientKnows_reachesAll() {
    for (Map<String, Object> client : clients(of(Map.of("tracing.sampler", "always")))) {
      assertThat(client).containsEntry("tracing.sampler", "always");
    }
  }

  @Test
  void aPropertyOfOneKind_staysThere() {
    ClientProperties properties =
        of(Map.of("linger.ms", 3, "fetch.max.bytes", 99_999, "max.poll.interval.ms", 1));
    assertThat(properties.producer()).containsEntry("linger.ms", 3);
    assertThat(properties.lane("g", 1, "c"))
        .containsEntry("fetch.max.bytes", 99_999)
        .doesNotContainKey("linger.ms");
    assertThat(properties.producer()).doesNotContainKey("fetch.max.bytes");
  }

  /** While a fetch waits, a partition that was emptied meanwhile is not asked for more. */
  @Test
  void fetchOfPartitionsThatHaveNothing_holdsTheOthersUpForAMomentOnly() {
    assertThat(of(Map.of()).member("group", null, true, 500))
        .containsEntry("fetch.max.wait.ms", 250);
    assertThat(of(Map.of("fetch.max.wait.ms", 500)).member("group", null, true, 500))
        .as("as the user says")
        .containsEntry("fetch.max.wait.ms", 500);
  }

  @Test
  void whatTheContractDependsOn_isSet() {
    ClientProperties properties = of(Map.of());
    assertThat(properties.producer())
        .containsEntry("acks", "all")
        .containsEntry("enable.idempotence", "true");
    assertThat(properties.lane("group", 8, "lane-1"))
        .containsEntry("group.id", "group")
        .containsEntry("client.id", "lane-1")
        .containsEntry("share.acknowledgement.mode", "explicit")
        .containsEntry("share.acquire.mode", "record_limit")
        .containsEntry("max.poll.records", 8);
  }

  @Test
  void settingsOfOrdinaryConsumers_doNotReachALane() {
    Map<String, Object> lane =
        of(Map.of(
                "auto.offset.reset", "latest",
                "enable.auto.commit", "true",
                "group.instance.id", "one",
                "isolation.level", "read_committed",
                "partition.assignment.strategy", "x",
                "session.timeout.ms", 6_000,
                "heartbeat.interval.ms", 2_000,
                "group.protocol", "consumer",
                "group.id", "somebody-elses"))
            .lane("group", 1, "lane-1");
    assertThat(lane)
        .containsEntry("group.id", "group")
        .doesNotContainKeys(
            "auto.offset.reset",
            "enable.auto.commit",
            "group.instance.id",
            "isolation.level",
            "partition.assignment.strategy",
            "session.timeout.ms",
            "heartbeat.interval.ms",
            "group.protocol");
  }

  @Test
  void settingsThatLoseMessages_areRefused() {
    for (Map<String, String> wrong :
        List.of(Map.of("acks", "1"), Map.of("acks", "0"), Map.of("enable.idempotence", "FALSE"))) {
      assertThatThrownBy(() -> of(wrong))
          .isInstanceOfSatisfying(
              QueueException.class,
              e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.MISCONFIGURED);
                assertThat(e).hasMessageContaining("Leave it out");
              });
    }
    assertThat(of(Map.of("acks", "-1", "enable.idempotence", "True")).producer())
        .containsEntry("acks", "all");
  }

  @Test
  void clientIds_differForEachQueueObject_andKeepTheCallersName() {
    ClientProperties one = of(Map.of("client.id", "render"));
    ClientProperties two = of(Map.of("client.id", "render"));
    assertThat(one.clientId()).startsWith("render-").isNotEqualTo(two.clientId());
    assertThat(one.producer().get("client.id")).isEqualTo(one.clientId() + "-producer");
    assertThat(of(Map.of()).clientId()).startsWith("forebay-jobs-");
  }
}
