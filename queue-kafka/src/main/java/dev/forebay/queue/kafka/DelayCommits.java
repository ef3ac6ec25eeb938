package dev.forebay.queue.kafka;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commits how far a {@link DelayForwarder} got, and now and then removes what lies before. Belongs
 * to the forwarder's thread.
 *
 * <p>Removing gives the disk space of moved records back early. It also keeps them from being read
 * again when the group was away for so long that the brokers forgot its offsets. It needs the
 * permission to delete records; without it the topic's retention does the former.
 */
final class DelayCommits {

  private static final Logger log = LoggerFactory.getLogger(DelayCommits.class);

  /** How much is written twice after a crash, against the cost of a commit. */
  static final long INTERVAL_MILLIS = 100;

  private static final long TRIM_NANOS = Duration.ofMinutes(1).toNanos();

  private final String topic;
  private final Admin admin;
  private final TimeSource time;
  private final Map<TopicPartition, RecordsToDelete> movedOn = new HashMap<>();
  private long trimAt;
  private volatile boolean trims = true;
  private boolean underWay;
  private long commitAt;

  DelayCommits(String topic, Admin admin, TimeSource time) {
    this.topic = topic;
    this.admin = admin;
    this.time = time;
    this.trimAt = time.nanoTime() + TRIM_NANOS;
  }

  boolean isUnderWay() {
    return underWay;
  }

  /** A new consumer knows nothing of the commits of the one before. */
  void restart() {
    underWay = false;
  }

  /** Commits what is new, if it is time to, without waiting. */
  void commit(
      Consumer<byte[], byte[]> consumer, Map<TopicPartition, DelayPartition> homes, long now) {
    trim(false);
    if (underWay || (commitAt - now > 0 && commitAt - now <= INTERVAL_MILLIS)) {
      return;
    }
    Map<TopicPartition, OffsetAndMetadata> offsets = resolved(homes.values());
    if (offsets.isEmpty()) {
      return;
    }
    commitAt = now + INTERVAL_MILLIS;
    underWay = true;
    consumer.commitAsync(
        offsets,
        (done, error) -> {
          underWay = false;
          if (error == null) {
            committed(homes, done);
          } else {
            // The next one covers it, here or wherever the partition went.
            log.debug("A commit on {} failed", topic, error);
          }
        });
  }

  /** Commits what is new of these and waits for it. */
  void commitNow(
      Consumer<byte[], byte[]> consumer, Map<TopicPartition, DelayPartition> homes, long end) {
    Map<TopicPartition, OffsetAndMetadata> offsets = resolved(homes.values());
    if (offsets.isEmpty()) {
      return;
    }
    Duration left = Duration.ofNanos(Math.max(1_000_000, end - time.nanoTime()));
    try {
      consumer.commitSync(offsets, left);
    } catch (WakeupException e) {
      // The call to stop came just now; it is used up with this.
      consumer.commitSync(offsets, left);
    }
    committed(homes, offsets);
  }

  private static Map<TopicPartition, OffsetAndMetadata> resolved(Collection<DelayPartition> homes) {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    for (DelayPartition each : homes) {
      if (each.isAhead()) {
        offsets.put(each.partition, new OffsetAndMetadata(each.resolvedTo()));
      }
    }
    return offsets;
  }

  private void committed(
      Map<TopicPartition, DelayPartition> homes, Map<TopicPartition, OffsetAndMetadata> offsets) {
    offsets.forEach(
        (partition, offset) -> {
          movedOn.put(partition, RecordsToDelete.beforeOffset(offset.offset()));
          DelayPartition home = homes.get(partition);
          if (home != null) {
            home.committed(offset.offset());
          }
        });
  }

  /** Removes what has been moved on since the last time, if it is time to or the end. */
  void trim(boolean last) {
    if (!trims || movedOn.isEmpty() || (!last && trimAt - time.nanoTime() > 0)) {
      return;
    }
    trimAt = time.nanoTime() + TRIM_NANOS;
    Map<TopicPartition, RecordsToDelete> now = Map.copyOf(movedOn);
    movedOn.clear();
    admin
        .deleteRecords(now)
        .all()
        .whenComplete(
            (done, error) -> {
              // Anything else passes, and the next one covers it.
              if (error != null && KafkaErrors.code(error) == ErrorCode.ACCESS_DENIED) {
                trims = false;
                log.info(
                    "Topic {}: moved records stay until the retention time. Grant DELETE on the"
                        + " topic to have them removed earlier. {}",
                    topic,
                    KafkaErrors.unwrap(error).toString());
              }
            });
  }
}
