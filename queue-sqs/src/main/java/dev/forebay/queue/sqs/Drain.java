package dev.forebay.queue.sqs;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is done, in which order, when a queue closes (S1, A4). Belongs to the one thread that closes
 * the queue.
 *
 * <p>A receive is never cancelled, so it is waited for, however short the grace time: what SQS has
 * picked for it would stay away until its lease ends, since the caller may close the client next.
 */
final class Drain {

  private static final Logger LOG = LoggerFactory.getLogger(SqsWorkQueue.class);

  /** What the grace time leaves no room for has most of the second that close() may take longer. */
  private static final Duration LAST_MOMENT = Duration.ofMillis(800);

  /** How long after its wait the answer to a receive may take; {@link Opening} leaves room. */
  private static final Duration ANSWER = Duration.ofSeconds(1);

  private final Closing closing;
  private final Ledger ledger;
  private final Receiver receiver;
  private final Settler settler;
  private final Sender sender;
  private final @Nullable DeadLetterQueue dead;
  private final TimeSource time;

  Drain(
      Closing closing,
      Ledger ledger,
      Receiver receiver,
      Settler settler,
      Sender sender,
      @Nullable DeadLetterQueue dead,
      TimeSource time) {
    this.closing = closing;
    this.ledger = ledger;
    this.receiver = receiver;
    this.settler = settler;
    this.sender = sender;
    this.dead = dead;
    this.time = time;
  }

  /**
   * Lets what is in hand be settled within the grace time, and answers all that is under way.
   *
   * @param longestWait of a receive: the grace time of those may be shorter
   */
  void run(String name, Duration grace, Duration longestWait) {
    long begun = time.nanoTime();
    long end = begun + grace.toNanos();
    settler.flush();
    sender.flush();
    if (dead != null) {
      dead.flush();
    }
    receiver.close();
    if (receiver.awaitEnd(left(end))) {
      // Whether nothing is left is asked at the end.
      boolean unused = closing.awaitDecided(this::nothingHeld, end);
    }
    long received = begun + longestWait.plus(ANSWER).toNanos();
    long last = Math.max(end, received) + LAST_MOMENT.toNanos();
    boolean drained = receiver.awaitEnd(left(last));
    drained &= closing.awaitDecided(this::nothingToGiveBack, last);
    drained &= nothingHeld();
    drained &= sender.awaitIdle(left(last));
    if (dead != null) {
      drained &= dead.awaitIdle(left(last));
      dead.abandon();
    }
    sender.abandon();
    settler.abandon();
    closing.markClosed();
    ledger.held().forEach(SqsDelivery::lose);
    if (!drained) {
      LOG.warn(
          "{} was closed after {} with work left: what is still leased comes back by its lease",
          name,
          grace);
    }
  }

  /** Whether all that no caller was ever given is back in the queue. */
  private boolean nothingToGiveBack() {
    return ledger.held().stream()
        .allMatch(each -> each.handedOutAt() != null || each.leaseRemaining().isZero());
  }

  private boolean nothingHeld() {
    return ledger.held().stream().allMatch(each -> each.leaseRemaining().isZero());
  }

  private Duration left(long end) {
    return Duration.ofNanos(Math.max(0, end - time.nanoTime()));
  }
}
