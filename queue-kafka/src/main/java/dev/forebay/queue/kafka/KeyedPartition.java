package dev.forebay.queue.kafka;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * A partition for as long as this member has it: its ledger, its records in hand, and what waits
 * for the broker to have it. Guarded by the lock of its {@link KeyedBuffer}.
 */
final class KeyedPartition {

  /** Above this share of the metadata's room intake stops, so that what is in hand still fits. */
  private static final double CEILING = 0.75;

  private static final double ROOM_AGAIN = 0.5;

  /** The least metadata that is worth anything; below it none is written. */
  private static final int MIN_CHARS = 128;

  /** Bits of a fencing token that count deliveries; the term is above them. */
  private static final int DELIVERY_BITS = 40;

  /** What a commit says of this partition. */
  record Commit(
      KeyedPartition partition, OffsetAndMetadata value, long covered, long resolutions) {}

  final TopicPartition id;
  final KeyedLedger ledger;

  /** Grows with each hand-over of the partition. */
  final int term;

  final KeyedLine ready = new KeyedLine();

  /** Records held: not resolved, or resolved and not confirmed. */
  int held;

  /** Bytes of those that are not resolved. */
  long heldBytes;

  /** Records in somebody's hand. */
  int leased;

  /** No new starts: the partition is on its way to another member. */
  boolean leaving;

  /** Something is to be committed. */
  boolean dirty = true;

  /** The metadata is nearly full. */
  boolean nearCeiling;

  /** A record was refused because it is too far ahead of the first unresolved one. */
  boolean tooFar;

  private final ArrayDeque<KeyedRecord> unconfirmed = new ArrayDeque<>();
  private @Nullable KeyedRecord newest;
  private long deliveries;
  private long resolutions;
  private int metadataChars = KeyedMetadata.MAX_CHARS;

  KeyedPartition(TopicPartition id, KeyedLedger ledger, int term) {
    this.id = id;
    this.ledger = ledger;
    this.term = term;
  }

  /**
   * A number that grows with every delivery of every record, across hand-overs (L5), and is above
   * the tokens that the record's message had as another record, be it of another partition.
   */
  long nextToken(KeyedRecord record) {
    long token = record.copy.fence() + ((long) term << DELIVERY_BITS) + ++deliveries;
    // After thousands of copies in a group that was rebalanced thousands of times.
    return token < 0 ? Long.MAX_VALUE : token;
  }

  // The list of records that are not resolved.

  void link(KeyedRecord record) {
    record.previous = newest;
    if (newest != null) {
      newest.following = record;
    }
    newest = record;
    held++;
  }

  void unlink(KeyedRecord record) {
    if (record.previous != null) {
      record.previous.following = record.following;
    }
    if (record.following != null) {
      record.following.previous = record.previous;
    } else {
      newest = record.previous;
    }
    record.previous = null;
    record.following = null;
  }

  /** How many records are not resolved. */
  int unresolved() {
    return held - unconfirmed.size();
  }

  /** The records that are not resolved. */
  List<KeyedRecord> open() {
    List<KeyedRecord> open = new ArrayList<>();
    for (KeyedRecord at = newest; at != null; at = at.previous) {
      open.add(at);
    }
    return open;
  }

  // Resolutions on their way to the broker.

  void resolved(KeyedRecord record) {
    record.resolution = ++resolutions;
    unconfirmed.addLast(record);
    dirty = true;
  }

  boolean isAckWaiting() {
    return !unconfirmed.isEmpty();
  }

  /** What is to be committed now; null when nothing is known of the partition yet. */
  @Nullable Commit commit() {
    dirty = false;
    if (!ledger.isKnown()) {
      return null;
    }
    if (metadataChars < MIN_CHARS) {
      return new Commit(this, new OffsetAndMetadata(ledger.base()), ledger.base(), resolutions);
    }
    KeyedMetadata.Encoded encoded = KeyedMetadata.encode(ledger, term, metadataChars);
    nearCeiling = !encoded.complete() || encoded.fill() > (nearCeiling ? ROOM_AGAIN : CEILING);
    return new Commit(
        this, new OffsetAndMetadata(ledger.base(), encoded.text()), encoded.covered(), resolutions);
  }

  /** The broker takes shorter metadata than it does by default. */
  void metadataTooLong() {
    metadataChars /= 2;
    dirty = true;
  }

  /** The broker has what {@code commit} says: tells those who waited for it. */
  int confirmed(Commit commit, Consumer<KeyedRecord> told) {
    int count = 0;
    List<KeyedRecord> notCovered = new ArrayList<>();
    for (KeyedRecord first = unconfirmed.peekFirst();
        first != null && first.resolution <= commit.resolutions();
        first = unconfirmed.peekFirst()) {
      unconfirmed.pollFirst();
      if (first.offset < commit.covered() || first.offset < commit.value().offset()) {
        told.accept(first);
        count++;
      } else {
        notCovered.add(first);
      }
    }
    for (int i = notCovered.size() - 1; i >= 0; i--) {
      unconfirmed.addFirst(notCovered.get(i));
    }
    held -= count;
    return count;
  }

  /** The partition is gone: nobody knows what became of the rest. */
  List<KeyedRecord> unconfirmed() {
    List<KeyedRecord> rest = new ArrayList<>(unconfirmed);
    unconfirmed.clear();
    held -= rest.size();
    return rest;
  }

  @Override
  public String toString() {
    return id + " in term " + term;
  }
}
