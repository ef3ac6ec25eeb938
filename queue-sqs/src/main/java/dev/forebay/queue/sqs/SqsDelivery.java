package dev.forebay.queue.sqs;

import dev.forebay.queue.Settlement;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.spi.LeasedDelivery;
import dev.forebay.queue.time.TimeSource;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.model.Message;

/** A lease on a received message: its receipt, and where it stands among those of its group. */
final class SqsDelivery extends LeasedDelivery {

  private static final CompletableFuture<Settlement> NOTHING_BEFORE =
      CompletableFuture.completedFuture(Settlement.OK);

  private final SqsWorkQueue owner;
  private final Message received;

  /** When the receive was sent: the broker's limit of a lease's total counts from after this. */
  private final long receivedNanos;

  private final long admittedNanos;

  private volatile String receipt;

  /** Null while it waits for a poll. */
  private volatile @Nullable Instant handedOutAt;

  private volatile boolean gone;
  private volatile boolean releasing;
  private CompletableFuture<Settlement> lastChange = NOTHING_BEFORE;

  SqsDelivery(
      SqsWorkQueue owner,
      Envelope envelope,
      Message received,
      long fencingToken,
      TimeSource time,
      long receivedNanos,
      long deadlineNanos) {
    super(owner, envelope, fencingToken, time, deadlineNanos);
    this.owner = owner;
    this.received = received;
    this.receivedNanos = receivedNanos;
    this.admittedNanos = time.nanoTime();
    this.receipt = received.receiptHandle();
  }

  Message received() {
    return received;
  }

  /** SQS's id of the message, which a copy sent twice does not share. */
  String sqsId() {
    return received.messageId();
  }

  long receivedNanos() {
    return receivedNanos;
  }

  /** When the message arrived here. */
  long admittedNanos() {
    return admittedNanos;
  }

  /** The newest receipt: SQS may ignore older ones. */
  String receipt() {
    return receipt;
  }

  void supersede(String newerReceipt) {
    receipt = newerReceipt;
  }

  @Nullable Instant handedOutAt() {
    return handedOutAt;
  }

  void handOut(Instant now) {
    handedOutAt = now;
  }

  /** Whether SQS confirmed that the message is gone from the queue. */
  boolean isGone() {
    return gone;
  }

  void markGone() {
    gone = true;
  }

  /** Whether it is being given back, so that its message may be received again any time. */
  boolean isReleasing() {
    return releasing;
  }

  void markReleasing(boolean value) {
    releasing = value;
  }

  /**
   * Puts changes of visibility in a row: SQS applies two requests under way at once in any order.
   * No lock is held while one is sent.
   */
  CompletableFuture<Settlement> inTurn(Supplier<CompletableFuture<Settlement>> change) {
    CompletableFuture<Settlement> mine = new CompletableFuture<>();
    CompletableFuture<Settlement> before;
    synchronized (this) {
      before = lastChange;
      lastChange = mine;
    }
    var unused = before.thenAccept(done -> change.get().thenAccept(mine::complete));
    return mine;
  }

  @Override
  protected void decided() {
    owner.decided(this);
  }
}
