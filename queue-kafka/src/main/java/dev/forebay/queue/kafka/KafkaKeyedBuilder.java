package dev.forebay.queue.kafka;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;

/**
 * Options of a {@link KafkaWorkQueue} in keyed mode; see {@link KafkaWorkQueue#keyed}.
 *
 * <p>The group is {@code forebay-keyed-<topic>} by default. {@link #build()} uses the group
 * protocol of Kafka 4 where the cluster offers it, and cooperative rebalancing of the classic one
 * elsewhere or where the client properties say {@code group.protocol=classic}. Not thread-safe.
 */
public final class KafkaKeyedBuilder extends KafkaQueueBuilder<KafkaKeyedBuilder> {

  private static final Duration SHORTEST_LEASE = Duration.ofMillis(100);

  /** What one partition may take beyond its part of the room; see {@link KeyedRoom}. */
  private static final int MAX_POLL = 2_000;

  /** A quarter of an hour of 9,000 records a second is what a ledger spans. */
  private static final Duration LONGEST_HELD = Duration.ofMinutes(15);

  private KeyPolicy keyPolicy = KeyPolicy.STRICT;
  private int maxInFlight = 10_000;
  private long maxInFlightBytes = 64L << 20;
  private Duration commitInterval = Duration.ofMillis(200);
  private Duration handOver = Duration.ofSeconds(2);
  private Duration idleAfter = Duration.ofSeconds(10);
  private @Nullable String groupInstanceId;

  KafkaKeyedBuilder(Map<String, Object> clientProperties, String topic) {
    super(clientProperties, topic, "forebay-keyed-" + topic);
  }

  /**
   * What a failing message does to the later ones of its key: they wait ({@link KeyPolicy#STRICT},
   * the default), or it steps aside. A release can be delayed by 15 minutes where they wait, which
   * they do in this process; by a week where it steps aside, since it then waits in the delay topic
   * and comes back behind the later ones.
   */
  public KafkaKeyedBuilder keyPolicy(KeyPolicy policy) {
    this.keyPolicy = policy;
    return this;
  }

  /**
   * The most records in hand and fetched ahead, 10,000 by default: what handlers work on, what
   * waits behind it in its key, and what the broker does not know yet to be done. At least 4, at
   * most 262,144. The commit metadata carries some 20,000 in any mixture of done and not done; in
   * real mixtures far more. Where a member has several partitions, what waits in one of them fills
   * two thirds of this at most, and the others go on with the rest.
   */
  public KafkaKeyedBuilder maxInFlight(int records) {
    if (records < 4 || records > KeyedMetadata.MAX_RETRIES) {
      throw new IllegalArgumentException(
          "maxInFlight must be 4 to " + KeyedMetadata.MAX_RETRIES + ", not " + records);
    }
    this.maxInFlight = records;
    return this;
  }

  /** The most bytes of those, beside one fetch; 64 MiB by default. */
  public KafkaKeyedBuilder maxInFlightBytes(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("maxInFlightBytes must be at least 1, not " + bytes);
    }
    this.maxInFlightBytes = bytes;
    return this;
  }

  /**
   * The longest time until the broker is told what changed, 200 ms by default; acks are gathered
   * for half of it at most. What a crash may undo is what changed within it.
   */
  public KafkaKeyedBuilder commitInterval(Duration value) {
    if (value.toMillis() < 1) {
      throw new IllegalArgumentException("commitInterval must be at least 1 ms, not " + value);
    }
    this.commitInterval = value;
    return this;
  }

  /**
   * How long handlers may go on whose partition moves to another member, 2 s by default; what is
   * not settled by then is lost to them and delivered there. The group waits meanwhile, and this
   * member fetches nothing, though it goes on with what it has.
   */
  public KafkaKeyedBuilder handOver(Duration value) {
    this.handOver = value;
    return this;
  }

  /**
   * After how long without a poll, and with nothing in hand, the partitions are left to other
   * members, 10 s by default. The next poll joins the group again, which takes some seconds.
   */
  public KafkaKeyedBuilder idleAfter(Duration value) {
    this.idleAfter = value;
    return this;
  }

  /**
   * A name of this member that a restart keeps ({@code group.instance.id}), so that its partitions
   * wait for it up to the session time-out instead of moving; by default there is none.
   */
  public KafkaKeyedBuilder groupInstanceId(String id) {
    this.groupInstanceId = id;
    return this;
  }

  @Override
  KafkaKeyedBuilder self() {
    return this;
  }

  @Override
  String backend() {
    return "kafka-keyed";
  }

  @Override
  Capabilities.Builder prepare(
      BrokerAdmin admin, ClientProperties properties, Capabilities.Builder common) {
    KeyedAdmin keyed = new KeyedAdmin(admin);
    boolean modern = !properties.wantsClassicGroups() && keyed.offersConsumerProtocol();
    consumerProperties =
        properties.member(
            group, groupInstanceId, modern, Math.min(MAX_POLL, Math.max(1, maxInFlight / 5)));
    consumerProperties.putIfAbsent(
        ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG,
        (int) KeyedRoom.fetchBytes(maxInFlightBytes));
    Duration session =
        modern
            ? keyed.sessionTimeout(group)
            : Duration.ofMillis(
                Long.parseLong(
                    consumerProperties
                        .getOrDefault(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 45_000)
                        .toString()));
    return common
        .lease(lease.compareTo(SHORTEST_LEASE) < 0 ? lease : SHORTEST_LEASE, Duration.ofHours(12))
        .lateness(LATENESS)
        .failureDetection(session)
        .delays(longestDelay(), longestRelease())
        .batches(1000, maxPoll(), maxInFlight)
        .ordering(Capabilities.Ordering.PER_KEY)
        .attempts(Capabilities.AttemptPrecision.CAUSE_PER_PROCESS, true)
        .fencing(Capabilities.Fencing.STRICT);
  }

  /** Later ones of a key cannot wait in memory, and before an open offset, for days. */
  private Duration longestRelease() {
    return keyPolicy == KeyPolicy.RELAXED && !longestDelay().isZero()
        ? longestDelay()
        : LONGEST_HELD;
  }

  private Map<String, Object> consumerProperties = Map.of();

  private int maxPoll() {
    return Integer.parseInt(
        consumerProperties.getOrDefault(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 1).toString());
  }

  @Override
  Consumption consumption(
      ClientProperties properties,
      Enqueuer enqueuer,
      Delays delayed,
      BrokerAdmin admin,
      WorkQueue queue) {
    KeyedSettings settings =
        new KeyedSettings(
            topic,
            group,
            lease,
            deadLetters,
            keyPolicy,
            maxInFlight,
            maxInFlightBytes,
            maxPoll(),
            commitInterval,
            handOver,
            idleAfter,
            grace,
            time);
    Map<String, Object> member = consumerProperties;
    Supplier<Consumer<byte[], byte[]>> consumers =
        () -> {
          try {
            return new KafkaConsumer<>(member);
          } catch (KafkaException e) {
            throw misfit("a consumer", e);
          }
        };
    return new KeyedConsumption(
        settings, consumers, enqueuer, delayed, new KeyedAdmin(admin), queue);
  }
}
