package dev.forebay.queue.sqs;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/**
 * What is found out and checked when a queue is opened (S2): settings first, since they cost no
 * request, then the queue, then its dead-letter queue. Stateless.
 */
final class Opening {

  private static final Logger LOG = LoggerFactory.getLogger(SqsWorkQueue.class);

  private static final Duration LONGEST_WAIT = Duration.ofSeconds(20);

  private Opening() {}

  static void checkTimes(Duration lease, Duration pollWait, Duration grace) {
    check(lease, LeaseTimes.MIN_LEASE, LeaseTimes.MAX_LEASE, "lease");
    check(pollWait, Duration.ofSeconds(1), LONGEST_WAIT, "poll wait");
    check(grace, Duration.ZERO, LeaseTimes.MAX_LEASE, "grace time");
  }

  /**
   * How long a receive may wait: closing waits for it and its answer, and must not take longer than
   * the grace time for that. What it brings later is nobody's until its lease ends, if the client
   * is closed then.
   */
  static Duration longestWait(Duration pollWait, Duration grace) {
    Duration room = grace.minusSeconds(1);
    return pollWait.compareTo(room) < 0 ? pollWait : room;
  }

  /** The queue's facts. */
  static QueueFacts facts(SqsAsyncClient client, String queueUrl) {
    QueueFacts facts = QueueFacts.read(client, queueUrl);
    if (facts.maxReceiveCount() == 1) {
      throw misconfigured(
          "The redrive policy of "
              + queueUrl
              + " has a maxReceiveCount of 1: SQS would move every message to the dead letters"
              + " whose first delivery does not end well, also one whose answer was lost on the"
              + " way and that nobody saw. Set it to at least 2, better to 10 or more, and let"
              + " the worker's maximum of attempts decide.");
    }
    if (facts.countsReceivesClosely()) {
      LOG.warn(
          "The redrive policy of {} has a maxReceiveCount of {}. SQS counts deliveries that were"
              + " lost or given back, too, and then moves messages to the dead letters that were"
              + " not tried as often, without a cause. Set it to {} or more, and above the"
              + " worker's maximum of attempts, which then decides.",
          queueUrl,
          facts.maxReceiveCount(),
          QueueFacts.AMPLE_RECEIVES);
    }
    return facts;
  }

  /**
   * The facts of the dead-letter queue.
   *
   * @param named the one the builder names; null for the target of the redrive policy
   * @return null when there is none
   */
  static @Nullable QueueFacts deadLetterFacts(
      SqsAsyncClient client, QueueFacts facts, @Nullable String named) {
    String url = named;
    if (url == null) {
      String arn = facts.deadLetterArn();
      if (arn == null) {
        return null;
      }
      url = QueueFacts.urlOf(client, arn, facts.url());
    }
    QueueFacts target = QueueFacts.read(client, url);
    if (target.url().equals(facts.url())) {
      throw misconfigured("The dead letters of " + facts.url() + " must go to another queue.");
    }
    if (target.fifo() != facts.fifo()) {
      throw misconfigured(
          "The dead-letter queue "
              + url
              + " must be of the same kind as "
              + facts.url()
              + ", "
              + (facts.fifo() ? "FIFO" : "standard")
              + ".");
    }
    return target;
  }

  private static void check(Duration value, Duration min, Duration max, String what) {
    if (value.compareTo(min) < 0 || value.compareTo(max) > 0) {
      throw misconfigured(
          "SQS needs a " + what + " between " + min + " and " + max + ", not " + value + ".");
    }
  }

  private static QueueException misconfigured(String text) {
    return new QueueException(ErrorCode.MISCONFIGURED, text);
  }
}
