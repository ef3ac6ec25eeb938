package dev.forebay.queue.kafka;

import dev.forebay.queue.Settlement;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.ShareConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.FencedLeaderEpochException;
import org.apache.kafka.common.errors.InvalidRecordStateException;
import org.apache.kafka.common.errors.NotLeaderOrFollowerException;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The broker's record locks, as one share consumer gets, renews and gives them up.
 *
 * <p>Renewing is acknowledge(RENEW), commitSync, poll(ZERO), in this order: the poll takes the
 * renewed records back and, as nothing else is left to acknowledge, fetches nothing. Poll with a
 * wait instead, as documented elsewhere, and the client fetches another record whose lock runs out
 * unseen. Renewals never share a request with other acknowledgements, so that a renewal can neither
 * overwrite one nor be lost beside it.
 *
 * <p>Belongs to one thread, but for {@link #wakeup()}.
 */
final class RecordLocks implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(RecordLocks.class);
  private static final Duration COMMIT_TIME = Duration.ofSeconds(10);
  private static final Duration CLOSE_TIME = Duration.ofMillis(800);

  private final ShareConsumer<byte[], byte[]> consumer;
  private final Trouble trouble;
  private boolean broken;

  // Guarded by this: a consumer may only be woken up while it polls.
  private boolean polling;
  private boolean wokenUp;

  RecordLocks(ShareConsumer<byte[], byte[]> consumer, String topic, Trouble trouble) {
    this.consumer = consumer;
    this.trouble = trouble;
    consumer.subscribe(List.of(topic));
  }

  /** Whether the client no longer says what it holds; then only closing is left. */
  boolean isBroken() {
    return broken;
  }

  /** The locks may be gone whatever the broker said: close, which gives up all. */
  void giveUp() {
    broken = true;
  }

  /** Whether the wait was ended; what comes then must be renewed before anything else. */
  synchronized boolean isWokenUp() {
    return wokenUp;
  }

  /**
   * The time of the locks that the broker gave last, by a fetch or a renewal: it is a setting of
   * the group, which any client may change, also while members are at work.
   *
   * @return {@code otherwise} before there was a lock
   */
  long lockNanos(long otherwise) {
    return consumer
        .acquisitionLockTimeoutMs()
        .map(millis -> TimeUnit.MILLISECONDS.toNanos(millis))
        .orElse(otherwise);
  }

  /** Waits for records; empty also when woken up. */
  ConsumerRecords<byte[], byte[]> acquire(Duration wait) {
    synchronized (this) {
      if (wokenUp) {
        return ConsumerRecords.empty();
      }
      polling = true;
    }
    try {
      return consumer.poll(wait);
    } catch (WakeupException e) {
      return ConsumerRecords.empty();
    } finally {
      synchronized (this) {
        polling = false;
      }
    }
  }

  /** What the client has fetched already, before it is closed; waits for nothing. */
  ConsumerRecords<byte[], byte[]> leftovers() {
    for (int tries = 0; tries < 2; tries++) {
      try {
        return consumer.poll(Duration.ZERO);
      } catch (WakeupException e) {
        log.trace("Took the wake-up");
      }
    }
    return ConsumerRecords.empty();
  }

  /** Ends a wait for records now, and every later one; from any thread. */
  synchronized void wakeup() {
    if (polling && !wokenUp) {
      consumer.wakeup();
    }
    wokenUp = true;
  }

  /**
   * Gives up locks as each record's decision says.
   *
   * @return what the broker said, by partition; UNKNOWN where a partition is missing
   */
  Map<TopicPartition, Settlement> settle(Collection<Held> records) {
    for (Held each : records) {
      consumer.acknowledge(each.record, each.acknowledgeType());
    }
    return commit();
  }

  /**
   * Renews the locks of all records that this consumer holds.
   *
   * @return those whose locks are gone
   */
  Collection<Held> renew(Collection<Held> records) {
    for (Held each : records) {
      consumer.acknowledge(each.record, AcknowledgeType.RENEW);
    }
    eatWakeup();
    Map<TopicPartition, Settlement> verdicts = commit();
    Map<TopicPartition, Map<Long, Held>> missing = new HashMap<>();
    boolean renewedAny = false;
    for (Held each : records) {
      renewedAny |= verdicts.get(each.partition()) == Settlement.OK;
      missing
          .computeIfAbsent(each.partition(), partition -> new HashMap<>())
          .put(each.record.offset(), each);
    }
    // With nothing renewed this poll would fetch.
    if (renewedAny && !broken) {
      for (ConsumerRecord<byte[], byte[]> back : consumer.poll(Duration.ZERO)) {
        Map<Long, Held> of = missing.get(new TopicPartition(back.topic(), back.partition()));
        if (of == null || of.remove(back.offset()) == null) {
          // Not ours to know: closing gives it back.
          broken = true;
        }
      }
    }
    return missing.values().stream().flatMap(each -> each.values().stream()).toList();
  }

  /**
   * A wake-up that came when the poll was over would hit the next commit. With everything
   * acknowledged and nothing sent yet, a poll takes it and does nothing else.
   */
  private synchronized void eatWakeup() {
    if (wokenUp) {
      try {
        consumer.wakeup();
        ConsumerRecords<byte[], byte[]> unused = consumer.poll(Duration.ZERO);
      } catch (WakeupException e) {
        log.trace("Took the wake-up");
      }
    }
  }

  private Map<TopicPartition, Settlement> commit() {
    Map<TopicPartition, Settlement> verdicts = new HashMap<>();
    try {
      Map<TopicIdPartition, Optional<KafkaException>> results = consumer.commitSync(COMMIT_TIME);
      results.forEach(
          (partition, error) -> verdicts.put(partition.topicPartition(), verdict(error)));
    } catch (KafkaException e) {
      // Nobody knows what was applied, nor what the client thinks it holds.
      trouble.seen(e);
      broken = true;
    }
    return verdicts;
  }

  private Settlement verdict(Optional<KafkaException> error) {
    if (error.isEmpty()) {
      return Settlement.OK;
    }
    KafkaException e = error.get();
    // The broker looked at it and refused: the lock ended, or moved away with the partition.
    if (e instanceof InvalidRecordStateException
        || e instanceof NotLeaderOrFollowerException
        || e instanceof FencedLeaderEpochException) {
      log.debug("A record lock had ended", e);
      return Settlement.STALE;
    }
    trouble.seen(e);
    return Settlement.UNKNOWN;
  }

  /** Leaves the group and gives up all locks. */
  @Override
  public void close() {
    // Must not fail because this thread was told to hurry.
    boolean interrupted = Thread.interrupted();
    try {
      consumer.close(CLOSE_TIME);
    } catch (KafkaException e) {
      log.debug("A consumer could not leave its group", e);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
