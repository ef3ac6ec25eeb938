package dev.forebay.queue.kafka;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The partitions that the group has given this member, and how they come and go.
 *
 * <p>A partition that comes is paused until what was persisted of it is read. One that goes is kept
 * for a bounded time while its running handlers end, since the group has it from us when the
 * callback returns; then the last commit says all there is, and whoever is not done has lost his
 * delivery (C3, C7). Everything else goes on meanwhile, but for fetching: commits, hand-outs and
 * leases.
 *
 * <p>Belongs to the consumer's thread.
 */
final class KeyedAssignment implements ConsumerRebalanceListener {

  private static final Logger log = LoggerFactory.getLogger(KeyedAssignment.class);

  private static final Duration ANSWER = Duration.ofSeconds(1);

  /** Between looks at the handlers of a partition that goes. */
  private static final Duration LOOK = Duration.ofMillis(5);

  /** For the last commit of a partition that moves, beside the time for its handlers. */
  private static final Duration LAST_COMMIT = Duration.ofSeconds(5);

  private static final Duration LAST_MOMENTS = Duration.ofMillis(400);

  private final KeyedSettings settings;
  private final TimeSource time;
  private final KeyedBuffer buffer;
  private final KeyedCommits commits;
  private final KeyedCounters counters;
  private final Trouble trouble;
  private final BooleanSupplier closing;
  private final Map<TopicPartition, KeyedPartition> partitions = new HashMap<>();
  private final Set<TopicPartition> unrestored = new HashSet<>();
  private final Set<TopicPartition> paused = new HashSet<>();
  private @Nullable Consumer<byte[], byte[]> consumer;

  KeyedAssignment(
      KeyedSettings settings,
      KeyedBuffer buffer,
      KeyedCommits commits,
      KeyedCounters counters,
      Trouble trouble,
      BooleanSupplier closing) {
    this.settings = settings;
    this.time = settings.time();
    this.buffer = buffer;
    this.commits = commits;
    this.counters = counters;
    this.trouble = trouble;
    this.closing = closing;
  }

  /** From now on the member is this one. */
  void use(Consumer<byte[], byte[]> member) {
    consumer = member;
  }

  private Consumer<byte[], byte[]> consumer() {
    Consumer<byte[], byte[]> member = consumer;
    if (member == null) {
      throw new IllegalStateException("no consumer yet");
    }
    return member;
  }

  /** Those that are fetched, or may be. */
  Collection<KeyedPartition> partitions() {
    return partitions.values();
  }

  @Nullable KeyedPartition get(TopicPartition id) {
    return partitions.get(id);
  }

  /** Those that were paused for want of room; kept by whoever pauses. */
  Set<TopicPartition> paused() {
    return paused;
  }

  /** The partition begins anew. */
  void replace(KeyedPartition partition) {
    partitions.put(partition.id, partition);
  }

  /** Lets go of everything. */
  void forget() {
    let(List.copyOf(partitions.values()));
    unrestored.clear();
    paused.clear();
  }

  @Override
  public void onPartitionsAssigned(Collection<TopicPartition> assigned) {
    if (!assigned.isEmpty()) {
      counters.rebalances.increment();
      log.debug("Topic {}: assigned {}", settings.topic(), assigned);
      unrestored.addAll(assigned);
      consumer().pause(assigned);
    }
  }

  /** Reads what was persisted of new partitions, and begins to fetch them. */
  void restore() {
    if (unrestored.isEmpty()) {
      return;
    }
    Map<TopicPartition, @Nullable OffsetAndMetadata> committed;
    try {
      committed = new HashMap<>(consumer().committed(Set.copyOf(unrestored), ANSWER));
    } catch (RetriableException e) {
      trouble.seen(e);
      return;
    }
    int generation = Math.max(0, consumer().groupMetadata().generationId());
    for (TopicPartition id : unrestored) {
      OffsetAndMetadata at = committed.get(id);
      if (at != null) {
        // Where the client begins by itself may be what was committed a moment before this.
        consumer().seek(id, at);
      }
      KeyedPartition partition = restored(id, at, generation);
      partition.leaving = closing.getAsBoolean();
      partitions.put(id, partition);
    }
    consumer().resume(unrestored);
    paused.removeAll(unrestored);
    unrestored.clear();
  }

  private KeyedPartition restored(
      TopicPartition id, @Nullable OffsetAndMetadata committed, int generation) {
    if (committed == null) {
      return new KeyedPartition(id, KeyedLedger.fresh(), generation);
    }
    KeyedMetadata.Restored restored =
        KeyedMetadata.decode(committed.metadata(), committed.offset());
    if (restored == null) {
      if (!committed.metadata().isEmpty()) {
        counters.unreadableMetadata.increment();
        log.warn(
            "{}: the metadata of the offset {} committed by group {} cannot be read; records after"
                + " it that were done are delivered again",
            id,
            committed.offset(),
            settings.group());
      }
      return new KeyedPartition(id, KeyedLedger.at(committed.offset()), generation);
    }
    return new KeyedPartition(
        id,
        KeyedLedger.restored(committed.offset(), restored.resolved(), restored.retries()),
        Math.max(generation, restored.term() + 1));
  }

  @Override
  public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
    List<KeyedPartition> going = going(revoked);
    if (going.isEmpty()) {
      return;
    }
    // What follows waits by itself, and its commits are not to be woken.
    boolean unusedCall = buffer.wasCalled();
    counters.rebalances.increment();
    log.debug("Topic {}: revoked {}", settings.topic(), revoked);
    buffer.leave(going);
    long end =
        time.nanoTime() + (closing.getAsBoolean() ? Duration.ZERO : settings.handOver()).toNanos();
    try {
      while (leased(going) > 0 && end - time.nanoTime() > 0 && !closing.getAsBoolean()) {
        buffer.tick();
        if (buffer.load(Duration.ZERO).acksWaiting() > 0) {
          commits.commitNow(consumer(), partitions.values(), end);
        }
        buffer.pause(LOOK);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    long last = time.nanoTime() + (closing.getAsBoolean() ? LAST_MOMENTS : LAST_COMMIT).toNanos();
    boolean unused = commits.commitNow(consumer(), going, last);
    let(going);
  }

  @Override
  public void onPartitionsLost(Collection<TopicPartition> lost) {
    List<KeyedPartition> going = going(lost);
    if (!going.isEmpty()) {
      counters.rebalances.increment();
      log.warn("Topic {}: lost {}, which another member may have by now", settings.topic(), lost);
      let(going);
    }
  }

  private List<KeyedPartition> going(Collection<TopicPartition> ids) {
    List<KeyedPartition> going = new ArrayList<>();
    for (TopicPartition id : ids) {
      KeyedPartition partition = partitions.get(id);
      if (partition != null) {
        going.add(partition);
      }
      unrestored.remove(id);
      paused.remove(id);
    }
    return going;
  }

  private void let(List<KeyedPartition> going) {
    counters.fenced.add(leased(going));
    buffer.drop(going);
    going.forEach(partition -> partitions.remove(partition.id));
  }

  private long leased(List<KeyedPartition> of) {
    long[] sum = new long[1];
    buffer.locked(() -> of.forEach(partition -> sum[0] += partition.leased));
    return sum[0];
  }
}
