package dev.forebay.queue.benchmarks;

import java.time.Duration;
import java.util.List;

/**
 * A way to work off an SQS queue, with everything as its users would set it up.
 *
 * <p>Its clients are those of the target, so that their requests are counted.
 */
interface SqsContender extends AutoCloseable {

  /** What a message's handler does; returning means the message is done. */
  interface JobHandler {
    /** Does the job that the body holds. */
    void handle(String body) throws Exception;
  }

  /**
   * How it is to consume.
   *
   * @param queueUrl the queue
   * @param slots handlers at once
   * @param visibility the queue's visibility timeout
   * @param longPoll how long an idle poll waits, for contenders without a default of their own
   * @param handler the work
   */
  record Consumption(
      String queueUrl, int slots, Duration visibility, Duration longPoll, JobHandler handler) {}

  /** A running consumer. */
  interface Consumer {
    /** Stops as its users would, and returns when it says it has stopped. */
    void stop() throws Exception;
  }

  /** Sends these as its users would, and returns when all are stored. */
  void send(String queueUrl, List<String> bodies) throws Exception;

  /** Begins to consume. */
  Consumer start(Consumption consumption) throws Exception;

  @Override
  void close();
}
