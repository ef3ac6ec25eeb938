package dev.forebay.queue.kafka;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * The caller's client properties, divided among the three kinds of client.
 *
 * <p>Every property reaches every client that knows it, untouched, TLS and SASL settings included;
 * one that no client knows reaches all (interceptors and the like read such). The few settings the
 * contract depends on are set here, and contradicting ones refused. Immutable.
 */
final class ClientProperties {

  private static final Map<String, Set<String>> REQUIRED =
      Map.of(
          ProducerConfig.ACKS_CONFIG, Set.of("all", "-1"),
          ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, Set.of("true"));

  private final Map<String, Object> given;
  private final String topic;
  private final String instance = UUID.randomUUID().toString().substring(0, 8);

  ClientProperties(Map<String, Object> given, String topic) {
    this.given = Map.copyOf(withoutNulls(given));
    this.topic = topic;
    if (!this.given.containsKey("bootstrap.servers")) {
      throw new QueueException(
          ErrorCode.MISCONFIGURED,
          "The client properties have no bootstrap.servers. Set it to host:port of a broker.");
    }
    REQUIRED.forEach(
        (name, allowed) -> {
          Object value = this.given.get(name);
          if (value != null && !allowed.contains(value.toString().toLowerCase(Locale.ROOT))) {
            throw new QueueException(
                ErrorCode.MISCONFIGURED,
                "The client property "
                    + name
                    + "="
                    + value
                    + " would lose messages (E1). Leave it out.");
          }
        });
  }

  private static Map<String, Object> withoutNulls(Map<String, Object> given) {
    Map<String, Object> out = new LinkedHashMap<>(given);
    out.values().removeIf(value -> value == null);
    return out;
  }

  /** Where the brokers are, for messages to people. */
  String bootstrapServers() {
    return String.valueOf(given.get("bootstrap.servers"));
  }

  Map<String, Object> admin(int timeoutMillis) {
    Map<String, Object> out = known(AdminClientConfig.configNames(), "admin");
    // A question at build time must end within the time the caller grants it.
    out.putIfAbsent(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, timeoutMillis);
    out.putIfAbsent(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, timeoutMillis);
    return out;
  }

  Map<String, Object> producer() {
    Map<String, Object> out = known(ProducerConfig.configNames(), "producer");
    out.put(ProducerConfig.ACKS_CONFIG, "all");
    out.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, "true");
    out.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class.getName());
    out.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class.getName());
    // Kafka waits a minute by default, too long for a caller that wants back-pressure.
    out.putIfAbsent(ProducerConfig.MAX_BLOCK_MS_CONFIG, 10_000);
    return out;
  }

  /** Properties of a lane that fetches {@code records} at a time. */
  Map<String, Object> lane(String group, int records, String clientId) {
    Map<String, Object> out = known(ConsumerConfig.configNames(), "lane");
    out.put(ConsumerConfig.CLIENT_ID_CONFIG, clientId);
    out.put(ConsumerConfig.GROUP_ID_CONFIG, group);
    out.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class.getName());
    out.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class.getName());
    out.put(ConsumerConfig.SHARE_ACKNOWLEDGEMENT_MODE_CONFIG, "explicit");
    out.put(ConsumerConfig.SHARE_ACQUIRE_MODE_CONFIG, "record_limit");
    out.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, records);
    // The broker reads and sends this much whatever the record limit: with the default a backlog
    // of small batches runs ten times slower in lanes of one record.
    out.putIfAbsent(
        ConsumerConfig.FETCH_MAX_BYTES_CONFIG, Math.max(16 * 1024, Math.min(records, 512) * 4096));
    // An ack waits for a fetch that is under way, so a fetch must not wait long.
    out.putIfAbsent(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 50);
    // Settings of ordinary consumers that a share consumer refuses.
    out.remove(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG);
    out.remove(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG);
    out.remove(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG);
    out.remove(ConsumerConfig.ISOLATION_LEVEL_CONFIG);
    out.remove(ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG);
    out.remove(ConsumerConfig.INTERCEPTOR_CLASSES_CONFIG);
    out.remove(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG);
    out.remove(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG);
    out.remove(ConsumerConfig.GROUP_PROTOCOL_CONFIG);
    out.remove(ConsumerConfig.GROUP_REMOTE_ASSIGNOR_CONFIG);
    return out;
  }

  /** Whether the caller insists on the classic group protocol. */
  boolean wantsClassicGroups() {
    return "classic".equalsIgnoreCase(String.valueOf(given.get("group.protocol")));
  }

  /**
   * Properties of a member of a consumer group.
   *
   * @param modern whether by the group protocol of Kafka 4, whose settings are the broker's
   */
  Map<String, Object> member(
      String group, @Nullable String instanceId, boolean modern, int maxPoll) {
    Map<String, Object> out = known(ConsumerConfig.configNames(), "member");
    out.put(ConsumerConfig.GROUP_ID_CONFIG, group);
    out.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class.getName());
    out.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class.getName());
    out.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    out.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, maxPoll);
    // With the default, messages enqueued before the first poll would be skipped.
    out.putIfAbsent(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    // One fetch at a time is under way to a broker: while it waits for partitions that have no
    // records, one that was emptied meanwhile is not asked for more. What is held of it bridges
    // this time up to some 25,000 records a second; a shorter one costs an idle member more.
    out.putIfAbsent(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 250);
    if (instanceId != null) {
      out.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, instanceId);
    }
    if (modern) {
      out.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, "consumer");
      out.remove(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG);
      out.remove(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG);
      out.remove(ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG);
    } else {
      out.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, "classic");
      out.remove(ConsumerConfig.GROUP_REMOTE_ASSIGNOR_CONFIG);
      out.putIfAbsent(
          ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG,
          CooperativeStickyAssignor.class.getName());
    }
    return out;
  }

  /**
   * Properties of a consumer that moves delayed messages on. It joins by the classic protocol,
   * where the client decides how soon the loss of a member is noticed, by hundreds of milliseconds
   * rather than the brokers' five seconds.
   */
  Map<String, Object> delays(String group, String clientId) {
    Map<String, Object> out = known(ConsumerConfig.configNames(), "delays");
    out.put(ConsumerConfig.CLIENT_ID_CONFIG, clientId);
    out.put(ConsumerConfig.GROUP_ID_CONFIG, group);
    out.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class.getName());
    out.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class.getName());
    out.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, "classic");
    out.put(
        ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG,
        CooperativeStickyAssignor.class.getName());
    out.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, 500);
    // Somewhat above the least that brokers accept by default, for machines that stall.
    out.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 8_000);
    out.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    out.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    out.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 1_000);
    // A class that was full is asked for again when the fetch under way ends.
    out.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 200);
    out.put(ConsumerConfig.FETCH_MIN_BYTES_CONFIG, 1);
    out.put(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, 512 * 1024);
    out.put(ConsumerConfig.FETCH_MAX_BYTES_CONFIG, 4 * 1024 * 1024);
    out.remove(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG);
    out.remove(ConsumerConfig.GROUP_REMOTE_ASSIGNOR_CONFIG);
    out.remove(ConsumerConfig.INTERCEPTOR_CLASSES_CONFIG);
    out.remove(ConsumerConfig.SHARE_ACKNOWLEDGEMENT_MODE_CONFIG);
    out.remove(ConsumerConfig.SHARE_ACQUIRE_MODE_CONFIG);
    return out;
  }

  /** Properties of a consumer without a group, which reads partitions it is told. */
  Map<String, Object> reader() {
    Map<String, Object> out = known(ConsumerConfig.configNames(), "reader");
    out.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class.getName());
    out.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class.getName());
    out.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    out.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
    out.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    out.remove(ConsumerConfig.GROUP_ID_CONFIG);
    out.remove(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG);
    out.remove(ConsumerConfig.GROUP_PROTOCOL_CONFIG);
    out.remove(ConsumerConfig.GROUP_REMOTE_ASSIGNOR_CONFIG);
    return out;
  }

  private Map<String, Object> known(Set<String> names, String role) {
    Map<String, Object> out = new LinkedHashMap<>();
    given.forEach(
        (name, value) -> {
          if (names.contains(name) || !isKnownAnywhere(name)) {
            out.put(name, value);
          }
        });
    out.put("client.id", clientId() + "-" + role);
    return out;
  }

  /** The caller's client id, made different for each queue object: members are told by it. */
  String clientId() {
    return given.getOrDefault("client.id", "forebay-" + topic) + "-" + instance;
  }

  private static boolean isKnownAnywhere(String name) {
    return AdminClientConfig.configNames().contains(name)
        || ProducerConfig.configNames().contains(name)
        || ConsumerConfig.configNames().contains(name);
  }
}
