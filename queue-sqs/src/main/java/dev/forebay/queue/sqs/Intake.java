package dev.forebay.queue.sqs;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.TimeSource;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;

/**
 * Makes deliveries of received messages: reads them, counts their attempts, keeps duplicates from
 * being delivered, and sends what cannot be read to the dead letters (P5).
 *
 * <p>Thread-safe.
 */
final class Intake {

  private static final Logger LOG = LoggerFactory.getLogger(Intake.class);

  private final SqsWorkQueue queue;
  private final Ledger ledger;
  private final LeaseTimes times;
  private final TimeSource time;
  private final Settlements settlements;
  private final @Nullable DeadLetterSender letters;
  private final LongAdder undecodable = new LongAdder();

  Intake(
      SqsWorkQueue queue,
      Ledger ledger,
      LeaseTimes times,
      TimeSource time,
      Settlements settlements,
      @Nullable DeadLetterSender letters) {
    this.queue = queue;
    this.ledger = ledger;
    this.times = times;
    this.time = time;
    this.settlements = settlements;
    this.letters = letters;
  }

  /**
   * Takes in a message that a receive brought.
   *
   * @param sentNanos when that receive was sent
   * @return null when the message is not to be delivered; it is taken care of then
   */
  @Nullable SqsDelivery admit(Message message, long sentNanos) {
    int receives =
        (int)
            Math.max(
                1, SqsWire.number(message, MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT));
    Envelope envelope;
    String broken = null;
    try {
      envelope = SqsWire.decode(message);
    } catch (QueueException e) {
      envelope = SqsWire.decodePlain(message);
      broken = String.valueOf(e.getMessage());
    }
    SqsDelivery delivery =
        new SqsDelivery(
            queue,
            envelope.withAttempts(ledger.attempts(message, receives, envelope.attempts())),
            message,
            ledger.token(message, receives),
            time,
            sentNanos,
            times.deadline(sentNanos));
    Ledger.Admission admission = ledger.admit(delivery);
    SqsDelivery earlier = admission.earlier();
    if (admission.verdict() == Ledger.Verdict.FINISHED) {
      settlements.deleteAgain(delivery);
    } else if (earlier != null && admission.verdict() == Ledger.Verdict.NEWER_RECEIPT) {
      settlements.supersede(earlier, delivery);
    } else if (earlier != null && admission.verdict() == Ledger.Verdict.SECOND_COPY) {
      settlements.postpone(delivery, earlier);
    } else {
      if (earlier != null) {
        // Its place in its group is free before the new delivery takes it.
        earlier.isLost();
      }
      return broken == null || !bury(delivery, broken) ? delivery : null;
    }
    return null;
  }

  /** How many messages could not be read. */
  long undecodable() {
    return undecodable.sum();
  }

  /**
   * Moves what cannot be read to the dead letters.
   *
   * @return false when there are none: then it is delivered as the plain message it also is, since
   *     a worker that fails on it settles it like any other
   */
  private boolean bury(SqsDelivery delivery, String why) {
    undecodable.increment();
    if (letters == null) {
      LOG.warn(
          "Message {} of {} is delivered without its metadata, and there is no dead-letter queue"
              + " for it ({} such messages so far): {}",
          delivery.sqsId(),
          queue.name(),
          undecodable.sum(),
          why);
      return false;
    }
    LOG.warn(
        "Message {} of {} goes to the dead letters ({} such messages so far): {}",
        delivery.sqsId(),
        queue.name(),
        undecodable.sum(),
        why);
    delivery.handOut(time.now());
    var unused =
        settlements.deadLetter(
            delivery, new DeadLetterCause(DeadLetterCause.UNDECODABLE, why), letters);
    return true;
  }
}
