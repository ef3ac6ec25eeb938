package dev.forebay.queue.kafka;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.QueueException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.jspecify.annotations.Nullable;

/**
 * What the keyed mode asks the brokers beside records: which group protocol they speak, how fast
 * they notice a dead member, and the backlog. Stateless but for the client; thread-safe.
 */
final class KeyedAdmin {

  private static final String GROUP_FEATURE = "group.version";
  private static final String SESSION_TIMEOUT = "consumer.session.timeout.ms";

  private final BrokerAdmin broker;
  private final Admin admin;

  KeyedAdmin(BrokerAdmin broker) {
    this.broker = broker;
    this.admin = broker.client();
  }

  /** Whether the cluster offers the group protocol of Kafka 4 (KIP-848). */
  boolean offersConsumerProtocol() {
    try {
      FinalizedVersionRange range =
          broker
              .ask(
                  admin.describeFeatures().featureMetadata(),
                  "ask for the features of the cluster",
                  "",
                  "Grant DESCRIBE on the cluster.")
              .finalizedFeatures()
              .get(GROUP_FEATURE);
      return range != null && range.maxVersionLevel() >= 1;
    } catch (QueueException e) {
      if (e.code() == ErrorCode.MISCONFIGURED || e.code() == ErrorCode.ACCESS_DENIED) {
        // Too old to be asked, or not ours to ask: every broker speaks the classic protocol.
        return false;
      }
      throw e;
    }
  }

  /** How long the group's coordinator waits for a member that says nothing. */
  Duration sessionTimeout(String group) {
    ConfigEntry entry = broker.config(ConfigResource.Type.GROUP, group).get(SESSION_TIMEOUT);
    return Duration.ofMillis(
        entry == null || entry.value() == null ? 45_000 : Long.parseLong(entry.value()));
  }

  /**
   * The backlog by committed offsets and what is known as resolved beyond them.
   *
   * @param inFlight how many this process has handed out
   */
  QueueDepth depth(String group, String topic, long inFlight) {
    TopicDescription description =
        broker
            .askOfTopic(
                () -> admin.describeTopics(List.of(topic)).allTopicNames(),
                "describe the topic " + topic,
                "",
                "Grant DESCRIBE on the topic.")
            .get(topic);
    Map<TopicPartition, OffsetSpec> first = new HashMap<>();
    Map<TopicPartition, OffsetSpec> last = new HashMap<>();
    if (description != null) {
      description
          .partitions()
          .forEach(
              info -> {
                TopicPartition partition = new TopicPartition(topic, info.partition());
                first.put(partition, OffsetSpec.earliest());
                last.put(partition, OffsetSpec.latest());
              });
    }
    Map<TopicPartition, @Nullable OffsetAndMetadata> committed =
        new HashMap<>(
            broker.ask(
                admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata(),
                "ask for the offsets of the group " + group,
                "",
                "Grant DESCRIBE on the group."));
    Map<TopicPartition, ListOffsetsResultInfo> starts = offsets(first, topic);
    long lag = 0;
    for (Map.Entry<TopicPartition, ListOffsetsResultInfo> end : offsets(last, topic).entrySet()) {
      ListOffsetsResultInfo start = starts.get(end.getKey());
      long from = start == null ? 0 : start.offset();
      OffsetAndMetadata at = committed.get(end.getKey());
      if (at != null) {
        from = Math.max(from, at.offset()) + resolvedBeyond(at);
      }
      lag += Math.max(0, end.getValue().offset() - from);
    }
    return new QueueDepth(
        OptionalLong.of(Math.max(0, lag - inFlight)),
        OptionalLong.of(inFlight),
        OptionalLong.empty(),
        Optional.empty());
  }

  private Map<TopicPartition, ListOffsetsResultInfo> offsets(
      Map<TopicPartition, OffsetSpec> which, String topic) {
    return broker.askOfTopic(
        () -> admin.listOffsets(which).all(),
        "ask for offsets of the topic " + topic,
        "",
        "Grant DESCRIBE on the topic.");
  }

  private static long resolvedBeyond(OffsetAndMetadata committed) {
    KeyedMetadata.Restored restored =
        KeyedMetadata.decode(committed.metadata(), committed.offset());
    return restored == null ? 0 : restored.resolved().count();
  }
}
