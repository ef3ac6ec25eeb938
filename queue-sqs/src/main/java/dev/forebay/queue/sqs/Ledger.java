package dev.forebay.queue.sqs;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.Explanation.State;
import dev.forebay.queue.ReleaseCause;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;

/**
 * What this process knows of the queue's messages: which it holds, which it finished, and how its
 * own deliveries of them ended.
 *
 * <p>SQS counts receives and nothing else. The causes are remembered here: receives that this
 * process cannot account for, among them all of other processes, count as lost leases (R2).
 * Standard queues rarely hand out a message twice, and a client that retries a send whose answer
 * was lost stores it twice; both show here as an id that is already held or finished (L1, A2).
 *
 * <p>Thread-safe; bounded, the oldest memories going first. Calls nothing while it holds its lock.
 */
final class Ledger {

  private static final int REMEMBERED = 50_000;

  /** What to do with a received message. */
  enum Verdict {
    /** Deliver it. */
    NEW,
    /** It was finished here: delete it again. */
    FINISHED,
    /** It is held here under an older receipt, which the new one replaces. */
    NEWER_RECEIPT,
    /** Another copy of it is held here. */
    SECOND_COPY
  }

  /**
   * The verdict, and the earlier delivery of the message where one is known.
   *
   * @param verdict what to do
   * @param earlier held still; with {@link Verdict#NEW} one whose lease has ended, perhaps unseen
   */
  record Admission(Verdict verdict, @Nullable SqsDelivery earlier) {}

  private static final class Past {
    int failed;
    int returned;
    long lastToken;
  }

  private static final class Bounded<V> extends LinkedHashMap<String, V> {
    private static final long serialVersionUID = 1L;

    @Override
    protected boolean removeEldestEntry(Map.Entry<String, V> eldest) {
      return size() > REMEMBERED;
    }
  }

  private final boolean fifo;
  private final Map<String, SqsDelivery> held = new HashMap<>();
  private final Map<String, Boolean> finished = new Bounded<>();
  private final Map<String, Boolean> dead = new Bounded<>();
  private final Map<String, Past> pasts = new Bounded<>();
  private long suppressed;

  Ledger(boolean fifo) {
    this.fifo = fifo;
  }

  /**
   * How the earlier deliveries of a received message ended, on top of what it says itself.
   *
   * @param receives how often SQS handed it out, this time included
   */
  synchronized Attempts attempts(Message received, int receives, Attempts before) {
    Past past = pasts.get(received.messageId());
    int failed = past == null ? 0 : past.failed;
    int returned = past == null ? 0 : past.returned;
    int unaccounted = Math.max(0, receives - 1 - failed - returned);
    return new Attempts(
        before.failed() + failed, before.leaseLost() + unaccounted, before.returned() + returned);
  }

  /**
   * A token above all earlier ones (L5): when the message was sent to this queue, by SQS's clock,
   * and below that how often it was received. So it also grows when a dead letter is sent back.
   */
  synchronized long token(Message received, int receives) {
    long sent = SqsWire.number(received, MessageSystemAttributeName.SENT_TIMESTAMP);
    long token = (sent << 16) + Math.min(receives, 0xFFFF);
    Past past = past(received.messageId());
    past.lastToken = Math.max(token, past.lastToken + 1);
    return past.lastToken;
  }

  /** Takes a received message in, unless it is a duplicate that this process can see. */
  synchronized Admission admit(SqsDelivery delivery) {
    if (finished.containsKey(key(delivery))
        || (!dead.isEmpty() && dead.containsKey(deadKey(delivery)))) {
      suppressed++;
      return new Admission(Verdict.FINISHED, null);
    }
    SqsDelivery there = held.get(key(delivery));
    // One that is being given back may well arrive again before SQS's answer to that does.
    if (there != null && !there.isReleasing() && !there.leaseRemaining().isZero()) {
      suppressed++;
      past(delivery.sqsId()).returned++;
      return new Admission(
          there.sqsId().equals(delivery.sqsId()) ? Verdict.NEWER_RECEIPT : Verdict.SECOND_COPY,
          there);
    }
    held.put(key(delivery), delivery);
    return new Admission(Verdict.NEW, there);
  }

  /** Notes a release before it is sent: the message may be back before the answer is. */
  synchronized void releasing(SqsDelivery delivery, ReleaseCause cause) {
    Past past = past(delivery.sqsId());
    if (cause == ReleaseCause.FAILED) {
      past.failed++;
    } else {
      past.returned++;
    }
  }

  /** Takes back what {@link #releasing} noted: the release surely did not happen. */
  synchronized void notReleased(SqsDelivery delivery, ReleaseCause cause) {
    Past past = past(delivery.sqsId());
    if (cause == ReleaseCause.FAILED) {
      past.failed = Math.max(0, past.failed - 1);
    } else {
      past.returned = Math.max(0, past.returned - 1);
    }
  }

  /** Notes that a message's work is done and its deletion was asked for. */
  synchronized void finished(SqsDelivery delivery) {
    finished.put(key(delivery), true);
    pasts.remove(delivery.sqsId());
  }

  /**
   * Notes that a message was copied to the dead letters. Not by its id: it may be sent back from
   * there.
   */
  synchronized void deadLettered(SqsDelivery delivery) {
    dead.put(deadKey(delivery), true);
    pasts.remove(delivery.sqsId());
  }

  /** Forgets a delivery that is decided. */
  synchronized void decided(SqsDelivery delivery) {
    held.remove(key(delivery), delivery);
  }

  /** All that are held, handed out or not. */
  synchronized List<SqsDelivery> held() {
    return new ArrayList<>(held.values());
  }

  /** Whether a delivery of the same message is held, be it this one. */
  synchronized boolean isHeld(SqsDelivery delivery) {
    return held.containsKey(key(delivery));
  }

  synchronized boolean isEmpty() {
    return held.isEmpty();
  }

  /** What is known here of the message of this id; null when nothing is. */
  synchronized @Nullable Explanation explain(String id) {
    for (SqsDelivery delivery : held.values()) {
      if (delivery.id().equals(id) && !delivery.leaseRemaining().isZero()) {
        return explain(delivery);
      }
    }
    return !fifo && finished.containsKey(id)
        ? Explanation.of(id, State.ABSENT, "It was acked by this process.")
        : null;
  }

  private Explanation explain(SqsDelivery delivery) {
    String id = delivery.id();
    Instant since = delivery.handedOutAt();
    if (since != null) {
      Instant until = delivery.leaseUntil();
      return Explanation.until(
          id,
          State.LEASED,
          until,
          "It is leased since "
              + since
              + " by a caller in this process, on attempt "
              + delivery.attempt()
              + ", until "
              + until
              + ".");
    }
    String before = fifo ? before(delivery) : null;
    return before == null
        ? Explanation.of(id, State.READY, "It was received by this process and waits for a poll.")
        : Explanation.of(
            id,
            State.WAITING_FOR_KEY,
            "It was received by this process and waits for its key: message "
                + before
                + " is before it.");
  }

  /** The message of the same group that is held here and comes first. */
  private @Nullable String before(SqsDelivery waiting) {
    String group = Shelf.group(waiting);
    for (SqsDelivery other : held.values()) {
      if (other != waiting
          && Shelf.group(other).equals(group)
          && (other.handedOutAt() != null || other.admittedNanos() < waiting.admittedNanos())) {
        return other.id();
      }
    }
    return null;
  }

  /** How many duplicates were kept from being delivered. */
  synchronized long suppressed() {
    return suppressed;
  }

  private Past past(String sqsId) {
    return pasts.computeIfAbsent(sqsId, id -> new Past());
  }

  /**
   * A FIFO queue stores no copy twice, and there equal dedup ids give equal message ids; so there
   * SQS's own id tells messages apart.
   */
  private String key(SqsDelivery delivery) {
    return fifo ? delivery.sqsId() : delivery.id();
  }

  private static String deadKey(SqsDelivery delivery) {
    return delivery.sqsId()
        + "@"
        + SqsWire.number(
            delivery.received(), MessageSystemAttributeName.APPROXIMATE_FIRST_RECEIVE_TIMESTAMP);
  }
}
