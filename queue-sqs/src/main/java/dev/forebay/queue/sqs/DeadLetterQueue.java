package dev.forebay.queue.sqs;

import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.spi.DeadLetterBench;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/**
 * The queue beside a work queue that its dead letters go to: what writes there, and the workbench
 * on what lies there. Thread-safe.
 */
final class DeadLetterQueue {

  private final Sender sender;
  private final DeadLetterSender letters;
  private final SqsDeadLetters buried;
  private final DeadLetters bench;

  /**
   * Asks SQS for nothing yet.
   *
   * @param backTo sends to the work queue, for what is redriven
   * @param closing whether the workbench must begin nothing more
   */
  DeadLetterQueue(
      SqsAsyncClient client,
      QueueFacts source,
      QueueFacts target,
      Sender backTo,
      TimeSource time,
      Duration linger,
      BooleanSupplier closing) {
    sender = new Sender(client, target.url(), target.fifo(), time, linger);
    letters =
        new DeadLetterSender(
            source.name(), target.name(), target.fifo(), target.maxBytes(), sender, time);
    buried = new SqsDeadLetters(client, source, target, backTo, time, linger);
    bench = new DeadLetterBench(source.name(), buried, time, closing);
  }

  DeadLetterSender letters() {
    return letters;
  }

  DeadLetters bench() {
    return bench;
  }

  /** Sends at once what waits for company. */
  void flush() {
    sender.flush();
    buried.flush();
  }

  /** Waits until all letters are written; false when the time was too short. */
  boolean awaitIdle(Duration atMost) {
    return sender.awaitIdle(atMost);
  }

  /** Answers what is still under way as unknown. */
  void abandon() {
    sender.abandon();
    buried.abandon();
  }
}
