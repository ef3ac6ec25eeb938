package dev.forebay.queue.kafka;

import static java.util.stream.Collectors.joining;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.QueueException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeShareGroupsOptions;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ShareGroupDescription;
import org.apache.kafka.clients.admin.ShareMemberDescription;
import org.apache.kafka.clients.admin.SharePartitionOffsetInfo;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.InterruptException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the queue asks and tells the brokers beside records: the checks of {@code build()} (S2), the
 * share group's settings, and the backlog. Every question ends within the caller's time-out; errors
 * say what to do about them. Thread-safe.
 */
final class BrokerAdmin implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(BrokerAdmin.class);

  static final String LOCK_DURATION = "share.record.lock.duration.ms";
  static final String DELIVERY_LIMIT = "share.delivery.count.limit";
  static final String OFFSET_RESET = "share.auto.offset.reset";
  private static final String SHARE_FEATURE = "share.version";

  private final Admin admin;
  private final String where;
  private final Duration timeout;

  BrokerAdmin(ClientProperties properties, Duration timeout) {
    this.where = properties.bootstrapServers();
    this.timeout = timeout;
    try {
      this.admin = Admin.create(properties.admin((int) timeout.toMillis()));
    } catch (KafkaException e) {
      Throwable root = e.getCause() == null ? e : e.getCause();
      throw new QueueException(
          ErrorCode.MISCONFIGURED,
          "No Kafka client for " + where + ": " + root.getMessage() + ". Check the properties.",
          e);
    }
  }

  Admin client() {
    return admin;
  }

  /** Where the brokers are, for messages to people. */
  String where() {
    return where;
  }

  /** As {@link #checkTopic(String, Set, String, String)}, for a topic like any other. */
  int checkTopic(String topic, Set<AclOperation> needed) {
    return checkTopic(topic, needed, "--partitions N", "");
  }

  /**
   * Checks that a topic exists and that the client may use it so.
   *
   * @param options how to create it if it does not, as options of kafka-topics.sh
   * @param advice what else there is to do then
   * @return the largest record batch in bytes that the topic takes
   */
  int checkTopic(String topic, Set<AclOperation> needed, String options, String advice) {
    TopicDescription description =
        ask(
                admin
                    .describeTopics(
                        List.of(topic),
                        new DescribeTopicsOptions().includeAuthorizedOperations(true))
                    .allTopicNames(),
                "describe the topic " + topic,
                "A name has letters, digits, '.', '_' and '-'. Create the topic: kafka-topics.sh"
                    + " --create --topic "
                    + topic
                    + " "
                    + options
                    + " --bootstrap-server "
                    + where
                    + "."
                    + advice,
                "Grant "
                    + needed.stream().sorted().map(AclOperation::name).collect(joining(" and "))
                    + " on the topic.")
            .get(topic);
    // A cluster without an authorizer tells no operations.
    Set<AclOperation> allowed = description == null ? null : description.authorizedOperations();
    if (allowed != null && !allowed.isEmpty()) {
      for (AclOperation operation : needed) {
        if (!allowed.contains(operation)) {
          throw new QueueException(
              ErrorCode.ACCESS_DENIED,
              "No permission for " + operation + " on the topic " + topic + ". Grant it.");
        }
      }
    }
    Config config = config(ConfigResource.Type.TOPIC, topic);
    ConfigEntry limit = config.get("max.message.bytes");
    return limit == null || limit.value() == null ? 1024 * 1024 : Integer.parseInt(limit.value());
  }

  /** Checks that the cluster offers share groups. */
  void checkShareGroups() {
    FinalizedVersionRange range =
        ask(
                admin.describeFeatures().featureMetadata(),
                "ask for the features of the cluster",
                "",
                "Grant DESCRIBE on the cluster.")
            .finalizedFeatures()
            .get(SHARE_FEATURE);
    if (range == null || range.maxVersionLevel() < 1) {
      throw new QueueException(
          ErrorCode.MISCONFIGURED,
          "Share groups are off on the cluster at "
              + where
              + ". Kafka 4.2 or later is needed; switch them on with kafka-features.sh upgrade"
              + " --feature share.version=1 --bootstrap-server "
              + where);
    }
  }

  /** Sets what the contract needs on the share group; changes nothing that is right already. */
  void configureGroup(String group, Duration lock, int deliveryLimit) {
    Map<String, String> wanted =
        Map.of(
            LOCK_DURATION, Long.toString(lock.toMillis()),
            DELIVERY_LIMIT, Integer.toString(deliveryLimit),
            // With the default, records enqueued before the first poll would be skipped.
            OFFSET_RESET, "earliest");
    Config current = config(ConfigResource.Type.GROUP, group);
    List<AlterConfigOp> changes = new ArrayList<>();
    wanted.forEach(
        (name, value) -> {
          ConfigEntry entry = current.get(name);
          boolean set =
              entry != null
                  && value.equals(entry.value())
                  // A default may be changed on the broker later; the group's own value stays.
                  && entry.source() == ConfigEntry.ConfigSource.DYNAMIC_GROUP_CONFIG;
          if (!set) {
            changes.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET));
          }
        });
    if (changes.isEmpty()) {
      return;
    }
    ask(
        admin
            .incrementalAlterConfigs(
                Map.of(new ConfigResource(ConfigResource.Type.GROUP, group), changes))
            .all(),
        "set " + wanted + " on the share group " + group,
        "A lease must lie between the brokers' group.share.min.record.lock.duration.ms and"
            + " group.share.max.record.lock.duration.ms (15 s and 60 s by default): choose another"
            + " lease, it is kept longer by extending it, or change the brokers' limits.",
        "Grant ALTER_CONFIGS on the group, or set these values once with kafka-configs.sh --alter"
            + " --entity-type groups --entity-name "
            + group);
    log.info("Share group {}: set {}", group, wanted);
  }

  /**
   * Checks that the client may be a member of a share group. Of one that never had a member the
   * broker does not tell; then the first lane logs what it lacks.
   */
  void checkMembership(String group) {
    Set<AclOperation> allowed;
    try {
      ShareGroupDescription description =
          ask(
                  admin
                      .describeShareGroups(
                          List.of(group),
                          new DescribeShareGroupsOptions().includeAuthorizedOperations(true))
                      .all(),
                  "describe the share group " + group,
                  "",
                  "Grant DESCRIBE and READ on the group.")
              .get(group);
      allowed = description == null ? null : description.authorizedOperations();
    } catch (QueueException e) {
      if (e.getCause() instanceof GroupIdNotFoundException) {
        return;
      }
      throw e;
    }
    if (allowed != null && !allowed.isEmpty() && !allowed.contains(AclOperation.READ)) {
      throw new QueueException(
          ErrorCode.ACCESS_DENIED, "No permission for READ on the group " + group + ". Grant it.");
    }
  }

  /** The settings of a topic or group. */
  Config config(ConfigResource.Type type, String name) {
    ConfigResource resource = new ConfigResource(type, name);
    Config config =
        ask(
                admin.describeConfigs(List.of(resource)).all(),
                "read the settings of " + type + " " + name,
                "",
                type == ConfigResource.Type.GROUP
                    ? "Grant ALTER_CONFIGS on it; DESCRIBE_CONFIGS is enough once its settings are"
                        + " right."
                    : "Grant DESCRIBE_CONFIGS on it.")
            .get(resource);
    return config == null ? new Config(List.of()) : config;
  }

  /**
   * The backlog of a group on a topic by its lag, which counts what is under a lease too.
   *
   * @param inFlight how many of these this process holds
   */
  QueueDepth depth(String group, String topic, long inFlight) {
    TopicDescription description =
        ask(
                admin.describeTopics(List.of(topic)).allTopicNames(),
                "describe the topic " + topic,
                "",
                "Grant DESCRIBE on the topic.")
            .get(topic);
    List<TopicPartition> partitions = new ArrayList<>();
    if (description != null) {
      description
          .partitions()
          .forEach(info -> partitions.add(new TopicPartition(topic, info.partition())));
    }
    Map<TopicPartition, SharePartitionOffsetInfo> offsets = groupOffsets(group, partitions);
    long lag = 0;
    List<TopicPartition> untouched = new ArrayList<>();
    for (TopicPartition partition : partitions) {
      SharePartitionOffsetInfo info = offsets.get(partition);
      if (info == null) {
        untouched.add(partition);
      } else if (info.lag().isPresent()) {
        lag += info.lag().get();
      } else {
        return new QueueDepth(
            OptionalLong.empty(),
            OptionalLong.of(inFlight),
            OptionalLong.empty(),
            Optional.empty());
      }
    }
    Map<TopicPartition, Long> all =
        ask(
            recordsIn(untouched).toCompletableFuture(),
            "ask for offsets of the topic " + topic,
            "",
            "Grant DESCRIBE on the topic.");
    lag += all.values().stream().mapToLong(Long::longValue).sum();
    return new QueueDepth(
        OptionalLong.of(Math.max(0, lag - inFlight)),
        OptionalLong.of(inFlight),
        OptionalLong.empty(),
        Optional.empty());
  }

  /** As {@link PartitionWatch.Broker}, for one group and topic. */
  PartitionWatch.Broker watching(String group, String topic) {
    Admin client = admin;
    return new PartitionWatch.Broker() {
      @Override
      public CompletionStage<Map<Integer, Long>> lags() {
        return client
            .listShareGroupOffsets(Map.of(group, new ListShareGroupOffsetsSpec()))
            .partitionsToOffsetInfo(group)
            .toCompletionStage()
            .thenCompose(
                offsets -> {
                  Map<Integer, Long> lags = new HashMap<>();
                  List<TopicPartition> untouched = new ArrayList<>();
                  offsets.forEach(
                      (partition, info) -> {
                        if (!partition.topic().equals(topic)) {
                          return;
                        }
                        // Nothing is known of a partition before its first settlement.
                        if (info == null) {
                          untouched.add(partition);
                        } else {
                          info.lag().ifPresent(lag -> lags.put(partition.partition(), lag));
                        }
                      });
                  return recordsIn(untouched)
                      .thenApply(
                          records -> {
                            records.forEach(
                                (partition, count) -> lags.put(partition.partition(), count));
                            return lags;
                          });
                });
      }

      @Override
      public CompletionStage<Map<String, Set<Integer>>> assignments() {
        return client
            .describeShareGroups(List.of(group))
            .all()
            .toCompletionStage()
            .thenApply(
                described -> {
                  Map<String, Set<Integer>> read = new HashMap<>();
                  ShareGroupDescription description = described.get(group);
                  if (description == null) {
                    return read;
                  }
                  for (ShareMemberDescription member : description.members()) {
                    Set<Integer> partitions = new HashSet<>();
                    for (TopicPartition partition : member.assignment().topicPartitions()) {
                      if (partition.topic().equals(topic)) {
                        partitions.add(partition.partition());
                      }
                    }
                    read.put(member.clientId(), partitions);
                  }
                  return read;
                });
      }
    };
  }

  private Map<TopicPartition, SharePartitionOffsetInfo> groupOffsets(
      String group, List<TopicPartition> partitions) {
    try {
      return ask(
          admin
              .listShareGroupOffsets(
                  Map.of(group, new ListShareGroupOffsetsSpec().topicPartitions(partitions)))
              .partitionsToOffsetInfo(group),
          "ask for the backlog of the share group " + group,
          "",
          "Grant DESCRIBE on the group.");
    } catch (QueueException e) {
      if (e.getCause() instanceof GroupIdNotFoundException) {
        return Map.of();
      }
      throw e;
    }
  }

  /** How many records each of these partitions has, settled or not. */
  private CompletionStage<Map<TopicPartition, Long>> recordsIn(List<TopicPartition> partitions) {
    if (partitions.isEmpty()) {
      return CompletableFuture.completedFuture(Map.of());
    }
    Map<TopicPartition, OffsetSpec> first = new HashMap<>();
    Map<TopicPartition, OffsetSpec> last = new HashMap<>();
    for (TopicPartition partition : partitions) {
      first.put(partition, OffsetSpec.earliest());
      last.put(partition, OffsetSpec.latest());
    }
    return admin
        .listOffsets(first)
        .all()
        .toCompletionStage()
        .thenCombine(
            admin.listOffsets(last).all().toCompletionStage(),
            (from, to) -> {
              Map<TopicPartition, Long> counts = new HashMap<>();
              to.forEach(
                  (partition, end) -> {
                    ListOffsetsResultInfo start = from.get(partition);
                    counts.put(partition, start == null ? 0 : end.offset() - start.offset());
                  });
              return counts;
            });
  }

  /** Waits for an answer; what goes wrong says what to do about it. */
  <T> T ask(Future<T> answer, String purpose, String advice, String grant) {
    try {
      return answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw refused(KafkaErrors.unwrap(e), purpose, advice, grant);
    } catch (TimeoutException | InterruptException e) {
      throw refused(e, purpose, advice, grant);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw refused(e, purpose, advice, grant);
    }
  }

  private QueueException refused(Throwable error, String purpose, String advice, String grant) {
    ErrorCode code =
        error instanceof InterruptedException || error instanceof InterruptException
            ? ErrorCode.UNAVAILABLE
            : KafkaErrors.code(error);
    String todo =
        switch (code) {
          case ACCESS_DENIED ->
              error instanceof AuthenticationException
                  ? "The login was refused: check the security settings (security.protocol, sasl.*,"
                      + " ssl.*)."
                  : grant;
          case UNAVAILABLE ->
              "No answer within "
                  + timeout
                  + ". Check bootstrap.servers, the network, the security settings, and that the"
                  + " cluster is up.";
          default -> advice;
        };
    @Nullable String said = error.getMessage();
    return new QueueException(
        code,
        "Kafka at "
            + where
            + ": cannot "
            + purpose
            + ". "
            + todo
            + (said == null ? "" : " The answer was: " + said),
        error);
  }

  @Override
  public void close() {
    admin.close(Duration.ofMillis(500));
  }
}
