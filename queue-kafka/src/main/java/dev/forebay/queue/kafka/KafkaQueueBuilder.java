package dev.forebay.queue.kafka;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.DeadLetterBench;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.acl.AclOperation;
import org.jspecify.annotations.Nullable;

/**
 * The options that both modes of a {@link KafkaWorkQueue} have; each mode's builder adds its own.
 * Not thread-safe.
 *
 * @param <B> the builder itself
 */
public abstract class KafkaQueueBuilder<B extends KafkaQueueBuilder<B>> {

  /** Room on the wire for the library's own headers, a dead letter's cause among them. */
  private static final int RESERVED_BYTES = 8 * 1024;

  private static final int DEFAULT_MAX_REQUEST = 1024 * 1024;

  /** Headers of the user's on one message. */
  private static final int MAX_HEADERS = 100;

  /** Longest key and dedup id in bytes. */
  private static final int MAX_ID = 1024;

  /** Records that one produce request carries, about. */
  private static final int ENQUEUE_BATCH = 1000;

  /**
   * A delay ends late by a fetch and a write, some ten milliseconds; by half a second when classes
   * of delays move from a process that ends in an orderly way.
   */
  static final Duration LATENESS = Duration.ofSeconds(1);

  private final Map<String, Object> clientProperties;
  final String topic;
  String group;
  Duration lease = Duration.ofSeconds(30);
  Duration grace = Duration.ofSeconds(20);
  Duration answerWithin = Duration.ofSeconds(15);
  @Nullable String deadLetters;
  @Nullable DelayTopic delays;
  private boolean anyGroup;
  private @Nullable Short createReplicas;
  TimeSource time = SystemTimeSource.get();

  KafkaQueueBuilder(Map<String, Object> clientProperties, String topic, String group) {
    this.clientProperties = clientProperties;
    this.topic = topic;
    this.group = group;
    this.deadLetters = topic + ".dlq";
    this.delays = DelayTopic.of(topic);
  }

  /** The group, whose workers divide the messages among themselves. */
  public B group(String name) {
    this.group = name;
    return self();
  }

  /** How long a delivery is leased at first, 30 s by default; extending it goes to 12 h. */
  public B lease(Duration value) {
    this.lease = value;
    return self();
  }

  /**
   * The topic of dead letters, {@code <topic>.dlq} by default. It must exist; giving it the same
   * {@code max.message.bytes} as the queue's topic is wise.
   */
  public B deadLetters(String topicName) {
    this.deadLetters = topicName;
    return self();
  }

  /**
   * Makes {@link KafkaWorkQueue#deadLetters()} show what died in any group of the topic, and bring
   * it back for every group. By default it shows what died in this queue's group, beside what says
   * no group, and brings it back for that group alone. For tools that work on a topic as a whole.
   */
  public B deadLettersOfEveryGroup() {
    this.anyGroup = true;
    return self();
  }

  /** Does without dead letters: dead-lettering is then refused. */
  public B withoutDeadLetters() {
    this.deadLetters = null;
    return self();
  }

  /**
   * Does without a topic for delayed messages: an enqueue with a delay is then refused, and a
   * release can be delayed only as far as this process can hold the message. Otherwise the topic
   * {@code <topic>.delays} must exist, with twenty partitions and a week of retention.
   */
  public B withoutDelays() {
    this.delays = null;
    return self();
  }

  /**
   * Lets {@link #build()} create what is missing of the queue's topic, its dead letters and its
   * delays, with this replication factor; the queue's topic gets the brokers' default number of
   * partitions. What exists is left as it is.
   */
  public B createTopics(short replicationFactor) {
    if (replicationFactor < 1) {
      throw new IllegalArgumentException(
          "A replication factor must be at least 1, not " + replicationFactor);
    }
    this.createReplicas = replicationFactor;
    return self();
  }

  /** How long {@link KafkaWorkQueue#close()} lets deliveries be settled, 20 s by default. */
  public B grace(Duration value) {
    this.grace = value;
    return self();
  }

  /** How long {@link #build()} waits for each answer of the cluster, 15 s by default. */
  public B answerWithin(Duration value) {
    this.answerWithin = value;
    return self();
  }

  /** The clock that leases are judged by; for tests. */
  B time(TimeSource value) {
    this.time = value;
    return self();
  }

  /**
   * Checks the configuration against the cluster and opens the queue (S2).
   *
   * @throws QueueException NOT_FOUND when a topic does not exist, ACCESS_DENIED when a permission
   *     is missing, MISCONFIGURED when the cluster's settings or the client properties do not fit
   *     or the delay topic would lose what waits there, UNAVAILABLE when no broker answers in time;
   *     the text says what to do
   */
  public KafkaWorkQueue build() {
    if (lease.toMillis() < 1) {
      throw new QueueException(
          ErrorCode.MISCONFIGURED, "A lease must be longer than zero, not " + lease + ".");
    }
    ClientProperties properties = new ClientProperties(clientProperties, topic);
    BrokerAdmin admin = new BrokerAdmin(properties, answerWithin);
    try {
      Short replicas = createReplicas;
      if (replicas != null) {
        QueueTopics.create(admin, topic, deadLetters, delays, replicas, answerWithin);
      }
      int topicLimit = admin.checkTopic(topic, Set.of(AclOperation.READ, AclOperation.WRITE));
      String dead = deadLetters;
      if (dead != null) {
        topicLimit = Math.min(topicLimit, admin.checkTopic(dead, Set.of(AclOperation.WRITE)));
      }
      DelayTopic waiting = delays;
      if (waiting != null) {
        topicLimit = Math.min(topicLimit, QueueTopics.checkDelays(admin, waiting));
      }
      return open(properties, admin, topicLimit);
    } catch (RuntimeException e) {
      admin.close();
      throw e;
    }
  }

  abstract B self();

  /** The longest delay that the delay topic offers; zero where there is none. */
  Duration longestDelay() {
    return delays == null ? Duration.ZERO : DelayClasses.LONGEST;
  }

  /** Checks what the mode needs of the cluster and adds what it can do to the common numbers. */
  abstract Capabilities.Builder prepare(
      BrokerAdmin admin, ClientProperties properties, Capabilities.Builder common);

  /** Short name of the mode. */
  abstract String backend();

  /** The consuming half, which may move messages that are to wait for long to the delays. */
  abstract Consumption consumption(
      ClientProperties properties,
      Enqueuer enqueuer,
      Delays delayed,
      BrokerAdmin admin,
      WorkQueue queue);

  private KafkaWorkQueue open(ClientProperties properties, BrokerAdmin admin, int topicLimit) {
    Map<String, Object> producerProperties = properties.producer();
    Object given = producerProperties.get(ProducerConfig.MAX_REQUEST_SIZE_CONFIG);
    int request = given == null ? DEFAULT_MAX_REQUEST : Integer.parseInt(given.toString());
    Capabilities.Builder common =
        Capabilities.builder(backend())
            .sizes(Math.max(1, Math.min(request, topicLimit) - RESERVED_BYTES), MAX_HEADERS)
            .ids(MAX_ID, MAX_ID)
            .batches(ENQUEUE_BATCH, 1, 1)
            .delays(longestDelay(), longestDelay())
            .deadLetters(deadLetters != null);
    Capabilities can = prepare(admin, properties, common).build();
    KafkaProducer<byte[], byte[]> producer = producer(producerProperties);
    try {
      DelayTopic waiting = delays;
      Enqueuer enqueuer = new Enqueuer(topic, can, producer, time, waiting);
      Delays delayed =
          waiting == null
              ? Delays.NONE
              : new TopicDelays(waiting, enqueuer, properties, admin, time);
      return new KafkaWorkQueue(
          topic,
          can,
          admin,
          enqueuer,
          delayed,
          bench(properties, enqueuer),
          grace,
          time,
          queue -> consumption(properties, enqueuer, delayed, admin, queue));
    } catch (RuntimeException e) {
      producer.close(Duration.ZERO);
      throw e;
    }
  }

  /** The dead letters are the same in every mode. */
  private @Nullable DeadLetters bench(ClientProperties properties, Enqueuer enqueuer) {
    String dead = deadLetters;
    return dead == null
        ? null
        : new DeadLetterBench(
            topic,
            new KafkaDeadLetters(
                topic,
                dead,
                anyGroup ? null : group,
                enqueuer,
                () -> {
                  try {
                    return new KafkaConsumer<>(properties.reader());
                  } catch (KafkaException e) {
                    throw misfit("a consumer", e);
                  }
                },
                answerWithin,
                time),
            time,
            enqueuer::isRefusing);
  }

  private KafkaProducer<byte[], byte[]> producer(Map<String, Object> properties) {
    KafkaProducer<byte[], byte[]> producer;
    try {
      producer = new KafkaProducer<>(properties);
    } catch (KafkaException e) {
      throw misfit("a producer", e);
    }
    try {
      // The first message then waits for nothing, and what is wrong is known now.
      producer.partitionsFor(topic);
      return producer;
    } catch (KafkaException e) {
      producer.close(Duration.ZERO);
      throw new QueueException(
          KafkaErrors.code(e),
          "The producer cannot use the topic " + topic + ": " + e.getMessage(),
          e);
    }
  }

  /** The client properties do not fit this kind of client. */
  static QueueException misfit(String client, KafkaException e) {
    Throwable root = e.getCause() == null ? e : e.getCause();
    return new QueueException(
        ErrorCode.MISCONFIGURED,
        "The client properties do not fit " + client + ": " + root.getMessage(),
        e);
  }
}
