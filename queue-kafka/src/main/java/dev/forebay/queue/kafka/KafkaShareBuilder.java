package dev.forebay.queue.kafka;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.acl.AclOperation;
import org.jspecify.annotations.Nullable;

/**
 * Options of a {@link KafkaWorkQueue} in share-group mode; see {@link KafkaWorkQueue#shared}. Not
 * thread-safe.
 */
public final class KafkaShareBuilder {

  /** The most the brokers accept: the library copies a record before it gets there. */
  private static final int DELIVERY_LIMIT = 10;

  /** Room on the wire for the library's own headers, a dead letter's cause among them. */
  private static final int RESERVED_BYTES = 8 * 1024;

  private static final int DEFAULT_MAX_REQUEST = 1024 * 1024;

  private final Map<String, Object> clientProperties;
  private final String topic;
  private String group;
  private Duration lease = Duration.ofSeconds(30);
  private Duration grace = Duration.ofSeconds(20);
  private Duration answerWithin = Duration.ofSeconds(15);
  private int maxLanes = 64;
  private @Nullable String deadLetters;
  private TimeSource time = SystemTimeSource.get();

  KafkaShareBuilder(Map<String, Object> clientProperties, String topic) {
    this.clientProperties = clientProperties;
    this.topic = topic;
    this.group = "forebay-" + topic;
    this.deadLetters = topic + ".dlq";
  }

  /** The share group, whose workers divide the messages; {@code forebay-<topic>} by default. */
  public KafkaShareBuilder group(String name) {
    this.group = name;
    return this;
  }

  /**
   * How long a delivery is leased at first, 30 s by default; extending it goes to 12 h. It is the
   * broker's record lock too, so it must lie within the brokers' limits, 15 s to 60 s by default.
   */
  public KafkaShareBuilder lease(Duration value) {
    this.lease = value;
    return this;
  }

  /**
   * The topic of dead letters, {@code <topic>.dlq} by default. It must exist; giving it the same
   * {@code max.message.bytes} as the queue's topic is wise.
   */
  public KafkaShareBuilder deadLetters(String topicName) {
    this.deadLetters = topicName;
    return this;
  }

  /** Does without dead letters: dead-lettering is then refused. */
  public KafkaShareBuilder withoutDeadLetters() {
    this.deadLetters = null;
    return this;
  }

  /**
   * The most share consumers this queue opens, 64 by default; each is a member of the group, which
   * takes 200 by default ({@code group.share.max.size}), and costs two threads. They open by
   * demand. With slow handlers each works on one message at a time, so this bounds how many slow
   * messages one process has in hand; a message that waits for its release delay keeps one, too.
   */
  public KafkaShareBuilder maxLanes(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("maxLanes must be at least 1, not " + count);
    }
    this.maxLanes = count;
    return this;
  }

  /** How long {@link KafkaWorkQueue#close()} lets deliveries be settled, 20 s by default. */
  public KafkaShareBuilder grace(Duration value) {
    this.grace = value;
    return this;
  }

  /** How long {@link #build()} waits for each answer of the cluster, 15 s by default. */
  public KafkaShareBuilder answerWithin(Duration value) {
    this.answerWithin = value;
    return this;
  }

  /** The clock that leases are judged by; for tests. */
  KafkaShareBuilder time(TimeSource value) {
    this.time = value;
    return this;
  }

  /**
   * Checks the configuration against the cluster and opens the queue (S2).
   *
   * <p>Sets the share group's record lock to the lease, its delivery limit to the brokers' maximum
   * and its start to the earliest record, unless they are so already.
   *
   * @throws QueueException NOT_FOUND when a topic does not exist, ACCESS_DENIED when a permission
   *     is missing, MISCONFIGURED when share groups are off, the lease is outside the brokers'
   *     limits or the client properties are wrong, UNAVAILABLE when no broker answers in time; the
   *     text says what to do
   */
  public KafkaWorkQueue build() {
    if (lease.toMillis() < 1) {
      throw new QueueException(
          ErrorCode.MISCONFIGURED, "A lease must be longer than zero, not " + lease + ".");
    }
    ClientProperties properties = new ClientProperties(clientProperties, topic);
    BrokerAdmin admin = new BrokerAdmin(properties, answerWithin);
    try {
      int topicLimit = admin.checkTopic(topic, Set.of(AclOperation.READ, AclOperation.WRITE));
      String dead = deadLetters;
      if (dead != null) {
        topicLimit = Math.min(topicLimit, admin.checkTopic(dead, Set.of(AclOperation.WRITE)));
      }
      admin.checkShareGroups();
      admin.configureGroup(group, lease, DELIVERY_LIMIT);
      return open(properties, admin, topicLimit);
    } catch (RuntimeException e) {
      admin.close();
      throw e;
    }
  }

  private KafkaWorkQueue open(ClientProperties properties, BrokerAdmin admin, int topicLimit) {
    Map<String, Object> producerProperties = properties.producer();
    Object given = producerProperties.get(ProducerConfig.MAX_REQUEST_SIZE_CONFIG);
    int request = given == null ? DEFAULT_MAX_REQUEST : Integer.parseInt(given.toString());
    Capabilities can = capabilities(Math.max(1, Math.min(request, topicLimit) - RESERVED_BYTES));
    KafkaProducer<byte[], byte[]> producer;
    try {
      producer = new KafkaProducer<>(producerProperties);
    } catch (KafkaException e) {
      Throwable root = e.getCause() == null ? e : e.getCause();
      throw new QueueException(
          ErrorCode.MISCONFIGURED,
          "The client properties do not fit a producer: " + root.getMessage(),
          e);
    }
    try {
      // The first message then waits for nothing, and what is wrong is known now.
      producer.partitionsFor(topic);
    } catch (KafkaException e) {
      producer.close(Duration.ZERO);
      throw new QueueException(
          KafkaErrors.code(e),
          "The producer cannot use the topic " + topic + ": " + e.getMessage(),
          e);
    }
    Enqueuer enqueuer = new Enqueuer(topic, can, producer, time);
    ShareSettings settings =
        new ShareSettings(
            topic,
            group,
            properties.clientId(),
            lease,
            maxLanes,
            DELIVERY_LIMIT,
            deadLetters,
            grace,
            time);
    return new KafkaWorkQueue(
        topic,
        can,
        admin,
        enqueuer,
        grace,
        time,
        queue -> new ShareConsumption(settings, properties, enqueuer, admin, queue));
  }

  private Capabilities capabilities(long maxMessageBytes) {
    Duration shortest = Duration.ofSeconds(1);
    return Capabilities.builder("kafka-share")
        .lease(lease.compareTo(shortest) < 0 ? lease : shortest, Duration.ofHours(12))
        .lateness(Duration.ofSeconds(2))
        // A hung process keeps what it holds until the broker's lock ends.
        .failureDetection(lease)
        .delays(Duration.ZERO, Duration.ofMinutes(15))
        .sizes(maxMessageBytes, 100)
        .ids(1024, 1024)
        .batches(1000, LaneSizes.LARGEST, LaneSizes.LARGEST)
        .attempts(Capabilities.AttemptPrecision.CAUSE_PER_PROCESS, true)
        .fencing(Capabilities.Fencing.APPROXIMATE)
        .deadLetters(deadLetters != null)
        .build();
  }
}
