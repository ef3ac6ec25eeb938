package dev.forebay.queue.kafka;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.Checks;
import dev.forebay.queue.spi.ReadyQueue;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.Producer;
import org.jspecify.annotations.Nullable;

/**
 * A work queue on a Kafka topic.
 *
 * <p>{@link #shared} hands any record to any worker, by a share group (Kafka 4.2 and later): as
 * elastic as SQS, without order. Workers on any number of machines use the same topic and group;
 * there is nothing to rebalance and no partition to be short of.
 *
 * <p>{@link #keyed} keeps the order of each key, by a consumer group: the partitions are divided
 * among the queue objects that poll, and each works on as many keys at once as it has slots,
 * however few partitions it has. A message waits for the member that has its partition, so there
 * can be no more members than partitions.
 *
 * <p><b>What Kafka promises here.</b> A completed enqueue is acknowledged by all in-sync replicas
 * of its partition, once (E1). In share mode a lease is the broker's record lock, renewed in the
 * background for as long as the lease is live, so it can be longer than the broker's own limit
 * (L3). An ack is OK only when the broker confirmed it (A2, A3). When a connection to the broker
 * ends, by a crash, a network failure or {@link #close()}, the broker gives the records of that
 * connection out again at once; the deliveries then know that they are lost.
 *
 * <p>In keyed mode a lease is this object's own: it ends here, and the message is delivered here
 * again. An ack is OK when the broker confirmed the commit that says so, be it by the committed
 * offset or by its metadata. When a partition moves to another member, handlers have a bounded time
 * to end ({@link KafkaKeyedBuilder#handOver}); a delivery that is not settled by then is lost,
 * before the other member gets the message. Attempts and delays of messages that are tried again
 * move along, and a delivery in the hand of a process that died counts as a lost lease, as far as
 * 4,096 characters of commit metadata go, which is some hundreds of such messages a partition: with
 * more of them the partition is not fetched on until some end. What happened within the last commit
 * interval is not known after a crash. So a message that kills its process sooner than that after
 * it was handed out ({@link KafkaKeyedBuilder#commitInterval}, and 100 ms) is not counted where
 * nothing else is committed, and may do so for ever. Fencing tokens grow for as long as the group's
 * offsets exist.
 *
 * <p>The order of a key is that of its partition. <b>Adding partitions to a topic of keyed messages
 * moves keys</b>: what a key has in its old partition is then handled beside what comes in its new
 * one (K1). Let the workers finish what is there before producers go on, or begin a new topic.
 *
 * <p><b>Delays.</b> A message that waits for its enqueue delay, or for a release delay of more than
 * two seconds, or for any in share mode when it was returned, waits in a topic of its own, {@code
 * <topic>.delays}, and is written to the queue's topic again when it is due (E4, R1); but in keyed
 * mode under {@link dev.forebay.queue.KeyPolicy#STRICT} a released message with a key waits in this
 * process, before the later ones of its key, for 15 minutes at most. Every process that polls takes
 * part in that, under the group {@code forebay-<topic>.delays}. Whether a message is due is judged
 * by the wall clocks of the hosts, so a clock that is ahead or behind makes it early or late by as
 * much. When the process that moves it dies, it is late by up to the 8 s in which the group notices
 * that. A crash at the wrong moment leaves one more copy with the same id; a message that no
 * process could move on for the retention time of that topic is lost.
 *
 * <p><b>Limits.</b> Capabilities tell them as numbers. In share mode a short release delay occupies
 * a lane (see {@link KafkaShareBuilder#maxLanes}); attempts are counted across processes by the
 * broker, their causes only within one process; but a message that was returned until later takes
 * its causes along.
 *
 * <p>Thread-safe.
 */
public final class KafkaWorkQueue implements WorkQueue, ReadyQueue {

  /** Handing delayed messages over begins when closing does, so little is left of it at the end. */
  private static final Duration CLOSE_DELAYS = Duration.ofMillis(200);

  private final String topic;
  private final Capabilities capabilities;
  private final BrokerAdmin admin;
  private final Enqueuer enqueuer;
  private final Delays delays;
  private final @Nullable DeadLetters deadLetters;
  private final Duration grace;
  private final TimeSource time;
  private final Consumption consumption;

  KafkaWorkQueue(
      String topic,
      Capabilities capabilities,
      BrokerAdmin admin,
      Enqueuer enqueuer,
      Delays delays,
      @Nullable DeadLetters deadLetters,
      Duration grace,
      TimeSource time,
      Consumption.Factory consumption) {
    this.topic = topic;
    this.capabilities = capabilities;
    this.admin = admin;
    this.enqueuer = enqueuer;
    this.delays = delays;
    this.deadLetters = deadLetters;
    this.grace = grace;
    this.time = time;
    this.consumption = consumption.create(this);
  }

  /**
   * Starts to build a queue on {@code topic} where any worker takes any record.
   *
   * @param clientProperties properties of the Kafka clients, at least {@code bootstrap.servers};
   *     security settings pass through untouched
   */
  public static KafkaShareBuilder shared(Map<String, ?> clientProperties, String topic) {
    return new KafkaShareBuilder(new LinkedHashMap<>(clientProperties), topic);
  }

  /** As {@link #shared(Map, String)}, for properties read from a file. */
  public static KafkaShareBuilder shared(Properties clientProperties, String topic) {
    return new KafkaShareBuilder(named(clientProperties), topic);
  }

  /**
   * Starts to build a queue on {@code topic} where messages of one key are handled one at a time
   * and in order.
   *
   * @param clientProperties properties of the Kafka clients, at least {@code bootstrap.servers};
   *     security settings pass through untouched
   */
  public static KafkaKeyedBuilder keyed(Map<String, ?> clientProperties, String topic) {
    return new KafkaKeyedBuilder(new LinkedHashMap<>(clientProperties), topic);
  }

  /** As {@link #keyed(Map, String)}, for properties read from a file. */
  public static KafkaKeyedBuilder keyed(Properties clientProperties, String topic) {
    return new KafkaKeyedBuilder(named(clientProperties), topic);
  }

  private static Map<String, Object> named(Properties clientProperties) {
    Map<String, Object> properties = new LinkedHashMap<>();
    clientProperties.forEach((name, value) -> properties.put(String.valueOf(name), value));
    return properties;
  }

  @Override
  public String name() {
    return topic;
  }

  @Override
  public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
    return enqueuer.enqueue(message);
  }

  @Override
  public List<Delivery> poll(int max, Duration wait) {
    Checks.poll(max, wait);
    delays.start();
    return consumption.poll(max, wait);
  }

  /**
   * {@inheritDoc}
   *
   * <p>In keyed mode from what has been fetched; in share mode there is never anything.
   */
  @Override
  public List<Delivery> pollReady(int max) {
    Checks.poll(max, Duration.ZERO);
    return consumption.pollReady(max);
  }

  @Override
  public CompletableFuture<Settlement> ack(Delivery delivery) {
    return consumption.ack(delivery);
  }

  @Override
  public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
    Checks.lease(lease, capabilities);
    return consumption.extend(delivery, lease);
  }

  @Override
  public CompletableFuture<Settlement> release(
      Delivery delivery, Duration delay, ReleaseCause cause) {
    Checks.releaseDelay(delay, capabilities);
    return consumption.release(delivery, delay, cause);
  }

  @Override
  public CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause) {
    Checks.deadLetters(capabilities);
    return consumption.deadLetter(delivery, cause);
  }

  /**
   * {@inheritDoc}
   *
   * <p>Reads the dead-letter topic from its beginning, each time; what was redriven or discarded is
   * marked there and no longer shown. A group has its own dead letters, which come back to it alone
   * (see {@link KafkaQueueBuilder#deadLettersOfEveryGroup}). What a consumer of that topic has
   * acked is shown still: its group's state is its own. The caller needs READ on the topic.
   */
  @Override
  public DeadLetters deadLetters() {
    return deadLetters == null ? WorkQueue.super.deadLetters() : deadLetters;
  }

  @Override
  public Capabilities capabilities() {
    return capabilities;
  }

  /**
   * {@inheritDoc}
   *
   * <p>From the group's lag: what other processes hold under a lease counts as visible, because the
   * broker does not tell it apart. What is delayed is counted for the topic, released messages of
   * all its groups among them.
   */
  @Override
  public QueueDepth depth() {
    QueueDepth depth = consumption.depth();
    return new QueueDepth(depth.visible(), depth.inFlight(), delays.waiting(), depth.oldestAge());
  }

  /**
   * {@inheritDoc}
   *
   * <p>Knows what this queue object has fetched and not settled; a topic cannot be searched for one
   * message.
   */
  @Override
  public Explanation explain(String id) {
    Explanation found = consumption.explain(id);
    return found != null
        ? found
        : Explanation.unknown(
            id,
            "Unknown here: this process does not hold it, and Kafka cannot be asked for one"
                + " message. It may wait in the topic or in that of delays, be held by another"
                + " process, or be done"
                + (deadLetters == null
                    ? "."
                    : "; deadLetters() can list it by its id if it died."));
  }

  /**
   * How many records of the topic could not be decoded since this queue was built; each went to the
   * dead letters, or was set aside where there are none (P5).
   */
  public long undecodable() {
    return consumption.undecodable();
  }

  /**
   * {@inheritDoc}
   *
   * <p>Offers {@link Admin} and {@link Producer}, which end with the queue and must not be closed,
   * and in keyed mode {@link KafkaKeyedStats}, the figures of this moment.
   */
  @Override
  public <T> T unwrap(Class<T> type) {
    List<Object> candidates = new ArrayList<>(List.of(this, admin.client(), enqueuer.client()));
    candidates.addAll(consumption.inside());
    for (Object candidate : candidates) {
      if (type.isInstance(candidate)) {
        return type.cast(candidate);
      }
    }
    throw new QueueException(
        ErrorCode.UNSUPPORTED,
        "This queue has no " + type.getName() + " inside; it offers Admin and Producer.");
  }

  /**
   * {@inheritDoc}
   *
   * <p>A thread that was interrupted closes as any other, and is interrupted still when this ends.
   */
  @Override
  public void close() {
    // The clients, too, take it for a reason to give up.
    boolean interrupted = Thread.interrupted();
    try {
      drain();
    } finally {
      admin.close();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void drain() {
    long end = time.nanoTime() + grace.toNanos();
    enqueuer.refuse();
    delays.stop();
    try {
      consumption.close();
      delays.close(Duration.ofNanos(Math.max(0, end - time.nanoTime())).plus(CLOSE_DELAYS));
    } finally {
      // What was accepted is flushed in the time that is left, and in most of the second beyond it.
      enqueuer.close(
          Duration.ofNanos(Math.max(0, end - time.nanoTime())).plus(Duration.ofMillis(600)));
    }
  }

  /** The topic and mode. */
  @Override
  public String toString() {
    return "KafkaWorkQueue[" + capabilities.backend() + ", " + topic + "]";
  }
}
