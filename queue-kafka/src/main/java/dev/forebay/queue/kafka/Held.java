package dev.forebay.queue.kafka;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.spi.Envelope;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * A record that a lane holds under the broker's lock, from its fetch to the broker's confirmation.
 *
 * <p>It belongs to its lane's thread. Two things come from others: the delivery, set once at the
 * hand-out under the pool's lock, and the decision, which whoever won {@link
 * ShareDelivery#beginSettlement()} makes once before it enters the lane's inbox.
 */
final class Held {

  /** What is to become of the record. */
  enum Decision {
    /** Done, copied or dead-lettered: never again. */
    ACCEPT,
    /** Given back to the group, at once or at {@link #releaseAt}. */
    RELEASE,
    /** Cannot be decoded and there are no dead letters: set aside by the broker. */
    REJECT,
    /** Keep the lock until {@link #releaseAt}, then deliver: the message may not be seen before. */
    WAIT,
    /** The copy or dead letter could not be written; try again at {@link #retryAt}. */
    RETRY
  }

  // Below 2^53 for two million copies: some stores know numbers as doubles only.
  private static final int COUNT_BITS = 6;
  private static final int PARTITION_BITS = 6;
  private static final int PLACE_BITS = 26;

  final Lane lane;
  final ConsumerRecord<byte[], byte[]> record;
  final @Nullable Envelope envelope;
  final int copies;
  final int deliveryCount;
  final long fetchedAt;

  /** Why the record cannot be decoded; empty when it can. */
  final String undecodable;

  /** A copy that another group asked for; set at the fetch. */
  boolean forOthers;

  /** How an earlier delivery's write ends that may have moved the message on; set at the fetch. */
  @Nullable CompletableFuture<Void> movedOn;

  /** Too large to be copied, so it is delivered up to the broker's limit. */
  volatile boolean uncopyable;

  /** Written under the pool's lock, once. */
  volatile @Nullable ShareDelivery delivery;

  // The decision; see the class comment.
  Decision decision = Decision.RETRY;
  Attempts attemptsAfter = Attempts.NONE;
  long releaseAt;
  long retryAt;
  @Nullable CompletableFuture<Settlement> answer;

  /** A settlement's copy or dead letter is stored; set before it enters the inbox. */
  boolean stored;

  /** A settlement is writing a copy or dead letter. */
  volatile boolean storing;

  // The lane's alone.
  boolean decided;
  boolean writing;

  Held(
      Lane lane,
      ConsumerRecord<byte[], byte[]> record,
      @Nullable Envelope envelope,
      int copies,
      int deliveryCount,
      long fetchedAt,
      String undecodable) {
    this.lane = lane;
    this.record = record;
    this.envelope = envelope;
    this.copies = copies;
    this.deliveryCount = deliveryCount;
    this.fetchedAt = fetchedAt;
    this.undecodable = undecodable;
    this.releaseAt = fetchedAt;
  }

  TopicPartition partition() {
    return new TopicPartition(record.topic(), record.partition());
  }

  /** How the deliveries before this one ended. */
  Attempts attempts() {
    return envelope == null ? Attempts.NONE : envelope.attempts();
  }

  /**
   * A number that grows with every delivery of the message: the broker's count within one record,
   * above it the number of copies made of it (L5). Between them is the place of a copy, since a
   * crash may leave two copies of one record, which have the same number and must not share tokens.
   */
  long fencingToken() {
    if (copies == 0) {
      return deliveryCount;
    }
    long place = (record.offset() << PARTITION_BITS) + record.partition() % (1 << PARTITION_BITS);
    return ((((long) copies << PLACE_BITS) + (place & ((1L << PLACE_BITS) - 1))) << COUNT_BITS)
        + deliveryCount;
  }

  AcknowledgeType acknowledgeType() {
    return switch (decision) {
      case ACCEPT -> AcknowledgeType.ACCEPT;
      case REJECT -> AcknowledgeType.REJECT;
      case RELEASE, WAIT, RETRY -> AcknowledgeType.RELEASE;
    };
  }

  /** Coordinates for logs; nothing of the content. */
  @Override
  public String toString() {
    return record.topic() + "-" + record.partition() + "@" + record.offset();
  }
}
