package dev.forebay.queue.kafka;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.jspecify.annotations.Nullable;

/**
 * The topics a queue consists of, at build time: created where that is asked for, and checked (S2).
 * Stateless.
 */
final class QueueTopics {

  private static final String RETENTION = "retention.ms";
  private static final String RETENTION_BYTES = "retention.bytes";
  private static final String CLEANUP = "cleanup.policy";
  private static final String MESSAGE_BYTES = "max.message.bytes";

  /** Moved records are disk space to be freed; a partition's open segment never is. */
  private static final String DELAY_SEGMENT_BYTES = Integer.toString(64 << 20);

  private static final long VISIBLE_LOOK_NANOS = 50_000_000;

  private static final String DESCRIBE = "describe the topic ";
  private static final String GRANT_DESCRIBE = "Grant DESCRIBE on the topic.";

  private QueueTopics() {}

  /**
   * Creates those of the queue's topics that do not exist.
   *
   * @param replicas the replication factor of each
   * @param within how long the brokers may take until all of them know the topics
   */
  static void create(
      BrokerAdmin admin,
      String topic,
      @Nullable String deadLetters,
      @Nullable DelayTopic delays,
      short replicas,
      Duration within) {
    Set<String> existing =
        new HashSet<>(
            admin.ask(
                admin.client().listTopics().names(),
                "list the topics",
                "",
                "Grant DESCRIBE on the topics."));
    List<NewTopic> missing = new ArrayList<>();
    if (!existing.contains(topic)) {
      missing.add(new NewTopic(topic, Optional.empty(), Optional.of(replicas)));
    }
    Map<String, String> sizes = new HashMap<>();
    if (existing.contains(topic)) {
      ConfigEntry limit = admin.config(ConfigResource.Type.TOPIC, topic).get(MESSAGE_BYTES);
      if (limit != null && limit.value() != null) {
        sizes.put(MESSAGE_BYTES, limit.value());
      }
    }
    if (deadLetters != null && !existing.contains(deadLetters)) {
      missing.add(new NewTopic(deadLetters, 1, replicas).configs(sizes));
    }
    if (delays != null && !existing.contains(delays.name())) {
      Map<String, String> configs = new HashMap<>(sizes);
      configs.put(RETENTION, Long.toString(DelayClasses.LONGEST.toMillis()));
      configs.put(RETENTION_BYTES, "-1");
      configs.put(CLEANUP, "delete");
      configs.put("segment.bytes", DELAY_SEGMENT_BYTES);
      missing.add(new NewTopic(delays.name(), DelayClasses.COUNT, replicas).configs(configs));
    }
    for (NewTopic each : missing) {
      try {
        admin.ask(
            admin.client().createTopics(List.of(each)).all(),
            "create the topic " + each.name(),
            "Check the replication factor against the number of brokers.",
            "Grant CREATE on the topic or the cluster, or create it by hand.");
      } catch (QueueException e) {
        // Another process was faster.
        if (!(e.getCause() instanceof TopicExistsException)) {
          throw e;
        }
      }
    }
    awaitVisible(admin, missing, within);
  }

  /** The controller has a topic at once, each broker a moment later. */
  private static void awaitVisible(BrokerAdmin admin, List<NewTopic> topics, Duration within) {
    long looks = Math.max(1, within.toNanos() / VISIBLE_LOOK_NANOS);
    for (NewTopic each : topics) {
      for (long look = 0; look < looks; look++) {
        try {
          TopicDescription found =
              admin
                  .ask(question(admin, each.name()), DESCRIBE + each.name(), "", GRANT_DESCRIBE)
                  .get(each.name());
          if (found != null
              && found.partitions().stream().noneMatch(info -> info.leader() == null)) {
            break;
          }
        } catch (QueueException e) {
          if (e.code() != ErrorCode.NOT_FOUND) {
            throw e;
          }
        }
        LockSupport.parkNanos(VISIBLE_LOOK_NANOS);
      }
    }
  }

  private static Future<Map<String, TopicDescription>> question(BrokerAdmin admin, String topic) {
    return admin.client().describeTopics(List.of(topic)).allTopicNames();
  }

  private static TopicDescription describe(BrokerAdmin admin, String topic) {
    TopicDescription found =
        admin
            .askOfTopic(() -> question(admin, topic), DESCRIBE + topic, "", GRANT_DESCRIBE)
            .get(topic);
    if (found == null) {
      throw new QueueException(ErrorCode.NOT_FOUND, "The topic " + topic + " does not exist.");
    }
    return found;
  }

  /**
   * Checks that a delay topic exists, has its classes and keeps what waits in it.
   *
   * @return the largest record batch in bytes that it takes
   */
  static int checkDelays(BrokerAdmin admin, DelayTopic delays) {
    String name = delays.name();
    int limit =
        admin.checkTopic(
            name,
            Set.of(AclOperation.READ, AclOperation.WRITE),
            "--partitions "
                + DelayClasses.COUNT
                + " --config "
                + RETENTION
                + "="
                + DelayClasses.LONGEST.toMillis(),
            " Or let the builder do it with createTopics(replicationFactor), or do without delays"
                + " with withoutDelays().");
    int partitions = describe(admin, name).partitions().size();
    if (partitions < DelayClasses.COUNT) {
      throw new QueueException(
          ErrorCode.MISCONFIGURED,
          "The delay topic "
              + name
              + " has "
              + partitions
              + " partitions and needs "
              + DelayClasses.COUNT
              + ", one for each class of delays: kafka-topics.sh --alter --topic "
              + name
              + " --partitions "
              + DelayClasses.COUNT
              + " --bootstrap-server "
              + admin.where());
    }
    Config config = admin.config(ConfigResource.Type.TOPIC, name);
    long retention = number(config, RETENTION, DelayClasses.LONGEST.toMillis());
    if (retention >= 0 && retention < DelayClasses.LONGEST.toMillis()) {
      throw loses(admin, name, RETENTION, retention, DelayClasses.LONGEST.toMillis());
    }
    long bytes = number(config, RETENTION_BYTES, -1);
    if (bytes >= 0) {
      throw loses(admin, name, RETENTION_BYTES, bytes, -1);
    }
    ConfigEntry cleanup = config.get(CLEANUP);
    if (cleanup != null && cleanup.value() != null && cleanup.value().contains("compact")) {
      throw loses(admin, name, CLEANUP, cleanup.value(), "delete");
    }
    // Also finds out whether the group may be used.
    waiting(admin, delays);
    return limit;
  }

  private static QueueException loses(
      BrokerAdmin admin, String topic, String setting, Object is, Object wanted) {
    return new QueueException(
        ErrorCode.MISCONFIGURED,
        "The delay topic "
            + topic
            + " has "
            + setting
            + "="
            + is
            + ", which removes messages that still wait: kafka-configs.sh --alter --entity-type"
            + " topics --entity-name "
            + topic
            + " --add-config "
            + setting
            + "="
            + wanted
            + " --bootstrap-server "
            + admin.where());
  }

  private static long number(Config config, String name, long otherwise) {
    ConfigEntry entry = config.get(name);
    return entry == null || entry.value() == null ? otherwise : Long.parseLong(entry.value());
  }

  /** How many records of a delay topic have not been moved on. */
  static long waiting(BrokerAdmin admin, DelayTopic delays) {
    Map<TopicPartition, OffsetSpec> first = new HashMap<>();
    Map<TopicPartition, OffsetSpec> last = new HashMap<>();
    for (int index = 0; index < DelayClasses.COUNT; index++) {
      TopicPartition partition = new TopicPartition(delays.name(), index);
      first.put(partition, OffsetSpec.earliest());
      last.put(partition, OffsetSpec.latest());
    }
    String purpose = "ask for offsets of the topic " + delays.name();
    // The moved ones first: what moves meanwhile then counts as waiting rather than as less.
    Map<TopicPartition, OffsetAndMetadata> moved = moved(admin, delays);
    Map<TopicPartition, ListOffsetsResultInfo> from =
        admin.askOfTopic(
            () -> admin.client().listOffsets(first).all(), purpose, "", GRANT_DESCRIBE);
    Map<TopicPartition, ListOffsetsResultInfo> to =
        admin.askOfTopic(() -> admin.client().listOffsets(last).all(), purpose, "", GRANT_DESCRIBE);
    long waiting = 0;
    for (Map.Entry<TopicPartition, ListOffsetsResultInfo> each : to.entrySet()) {
      ListOffsetsResultInfo start = from.get(each.getKey());
      OffsetAndMetadata done = moved.get(each.getKey());
      long begin = Math.max(start == null ? 0 : start.offset(), done == null ? 0 : done.offset());
      waiting += Math.max(0, each.getValue().offset() - begin);
    }
    return waiting;
  }

  private static Map<TopicPartition, OffsetAndMetadata> moved(
      BrokerAdmin admin, DelayTopic delays) {
    try {
      return admin.ask(
          admin.client().listConsumerGroupOffsets(delays.group()).partitionsToOffsetAndMetadata(),
          "ask for the offsets of the group " + delays.group(),
          "",
          "Grant READ on the group.");
    } catch (QueueException e) {
      if (e.getCause() instanceof GroupIdNotFoundException) {
        return Map.of();
      }
      throw e;
    }
  }
}
