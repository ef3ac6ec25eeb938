package dev.forebay.queue.kafka;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.Map;

/**
 * Options of a {@link KafkaWorkQueue} in share-group mode; see {@link KafkaWorkQueue#shared}.
 *
 * <p>The group is {@code forebay-<topic>} by default. The lease is the broker's record lock too, so
 * it must lie within the brokers' limits, 15 s to 60 s by default. {@link #build()} sets the share
 * group's record lock to the lease, its delivery limit to the brokers' maximum and its start to the
 * earliest record, unless they are so already; it fails as MISCONFIGURED when share groups are off
 * or the lease is outside those limits. The record lock is one for the group: build all its queues
 * with the same lease, else the last one built decides; that is logged while others are at work,
 * who then go by the shorter of the lock and their own lease. Not thread-safe.
 */
public final class KafkaShareBuilder extends KafkaQueueBuilder<KafkaShareBuilder> {

  /** The most that brokers accept by default: the library copies a record before it gets there. */
  private static final int HIGHEST_DELIVERY_LIMIT = 10;

  private int maxLanes = 64;
  private int deliveryLimit = HIGHEST_DELIVERY_LIMIT;

  KafkaShareBuilder(Map<String, Object> clientProperties, String topic) {
    super(clientProperties, topic, "forebay-" + topic);
  }

  /**
   * The most share consumers this queue opens, 64 by default; each is a member of the group, which
   * takes 200 by default ({@code group.share.max.size}), and costs two threads. They open by
   * demand. With slow handlers each works on one message at a time, so this bounds how many slow
   * messages one process has in hand; a message that waits for a release delay of up to two seconds
   * keeps one, too, and without delays any delayed one.
   */
  public KafkaShareBuilder maxLanes(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("maxLanes must be at least 1, not " + count);
    }
    this.maxLanes = count;
    return this;
  }

  @Override
  KafkaShareBuilder self() {
    return this;
  }

  @Override
  String backend() {
    return "kafka-share";
  }

  @Override
  Capabilities.Builder prepare(
      BrokerAdmin admin, ClientProperties properties, Capabilities.Builder common) {
    ShareAdmin share = new ShareAdmin(admin);
    share.checkShareGroups();
    deliveryLimit = new ShareGroupSettings(admin).set(group, lease, HIGHEST_DELIVERY_LIMIT);
    share.checkMembership(group);
    share.startAtTheBeginning(group, topic);
    Duration shortest = Duration.ofSeconds(1);
    return common
        .lease(lease.compareTo(shortest) < 0 ? lease : shortest, Duration.ofHours(12))
        .lateness(LATENESS)
        // A hung process keeps what it holds until the broker's lock ends.
        .failureDetection(lease)
        // Without a delay topic the message occupies a consumer all the while.
        .delays(longestDelay(), delays == null ? Duration.ofMinutes(15) : longestDelay())
        .batches(1000, LaneSizes.LARGEST, LaneSizes.LARGEST)
        .attempts(Capabilities.AttemptPrecision.CAUSE_PER_PROCESS, true)
        .fencing(Capabilities.Fencing.APPROXIMATE);
  }

  @Override
  Consumption consumption(
      ClientProperties properties,
      Enqueuer enqueuer,
      Delays delayed,
      BrokerAdmin admin,
      WorkQueue queue) {
    ShareSettings settings =
        new ShareSettings(
            topic,
            group,
            properties.clientId(),
            lease,
            maxLanes,
            deliveryLimit,
            deadLetters,
            grace,
            time);
    return new ShareConsumption(
        settings, properties, enqueuer, delayed, new ShareAdmin(admin), queue);
  }
}
