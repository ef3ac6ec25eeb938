package dev.forebay.queue.kafka;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.QueueException;
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
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeShareGroupsOptions;
import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ShareGroupDescription;
import org.apache.kafka.clients.admin.ShareMemberDescription;
import org.apache.kafka.clients.admin.SharePartitionOffsetInfo;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the share mode asks and tells the brokers beside records: the group's rights (S2; its
 * settings are {@link ShareGroupSettings}), the backlog, and who has which partition. Stateless but
 * for the client; thread-safe.
 */
final class ShareAdmin {

  private static final Logger log = LoggerFactory.getLogger(ShareAdmin.class);

  private static final String SHARE_FEATURE = "share.version";

  private final BrokerAdmin broker;
  private final Admin admin;

  ShareAdmin(BrokerAdmin broker) {
    this.broker = broker;
    this.admin = broker.client();
  }

  /** Checks that the cluster offers share groups. */
  void checkShareGroups() {
    FinalizedVersionRange range =
        broker
            .ask(
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
              + broker.where()
              + ". Kafka 4.2 or later is needed; switch them on with kafka-features.sh upgrade"
              + " --feature share.version=1 --bootstrap-server "
              + broker.where());
    }
  }

  /**
   * Checks that the client may be a member of a share group. Of one that never had a member the
   * broker does not tell; then the first lane logs what it lacks.
   */
  void checkMembership(String group) {
    Set<AclOperation> allowed;
    try {
      ShareGroupDescription description =
          broker
              .ask(
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

  /**
   * Lets a new group begin with the first record of each partition. Its setting {@value
   * ShareGroupSettings#OFFSET_RESET} asks for the same, but brokers learn of a setting some time
   * after it was accepted, and one that serves the group before that would skip what was enqueued
   * until then.
   */
  void startAtTheBeginning(String group, String topic) {
    List<TopicPartition> partitions = partitions(topic);
    Map<TopicPartition, Long> starts = new HashMap<>();
    Map<TopicPartition, SharePartitionOffsetInfo> started = groupOffsets(group, partitions);
    for (TopicPartition partition : partitions) {
      // The broker also lists partitions that it has no offset of.
      if (started.get(partition) == null) {
        starts.put(partition, 0L);
      }
    }
    if (starts.isEmpty()) {
      return;
    }
    try {
      broker.ask(
          admin.alterShareGroupOffsets(group, starts).all(),
          "set where the share group " + group + " starts on topic " + topic,
          "",
          "Grant READ on the group and on the topic.");
    } catch (QueueException e) {
      if (!(e.getCause() instanceof GroupNotEmptyException)) {
        throw e;
      }
      log.debug("Share group {} has members already, which have set its start", group);
    }
  }

  /**
   * The backlog of a group on a topic by its lag, which counts what is under a lease too.
   *
   * @param inFlight how many of these this process holds
   */
  QueueDepth depth(String group, String topic, long inFlight) {
    List<TopicPartition> partitions = partitions(topic);
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
        broker.ask(
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

  private List<TopicPartition> partitions(String topic) {
    TopicDescription description =
        broker
            .askOfTopic(
                () -> admin.describeTopics(List.of(topic)).allTopicNames(),
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
    return partitions;
  }

  private Map<TopicPartition, SharePartitionOffsetInfo> groupOffsets(
      String group, List<TopicPartition> partitions) {
    try {
      return broker.ask(
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
}
