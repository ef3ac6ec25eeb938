package dev.forebay.queue.sqs;

import dev.forebay.queue.time.TimeSource;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageRequest;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageResponse;

/**
 * Single receives: asks SQS, and takes in what comes.
 *
 * <p>Thread-safe.
 */
final class Receives {

  private static final Logger LOG = LoggerFactory.getLogger(Receives.class);

  /** No more than is used: SQS answers with each of them for each message. */
  private static final List<MessageSystemAttributeName> SYSTEM_ATTRIBUTES =
      List.of(
          MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT,
          MessageSystemAttributeName.APPROXIMATE_FIRST_RECEIVE_TIMESTAMP,
          MessageSystemAttributeName.SENT_TIMESTAMP,
          MessageSystemAttributeName.MESSAGE_GROUP_ID);

  private final SqsAsyncClient client;
  private final String url;
  private final LeaseTimes times;
  private final TimeSource time;
  private final Intake intake;

  /**
   * What to do when a receive is over.
   *
   * <p>{@code count} messages came, of which {@code admitted} are to be delivered; or it failed.
   */
  interface Over {
    void over(int count, List<SqsDelivery> admitted, @Nullable Throwable failure);
  }

  Receives(SqsAsyncClient client, String url, LeaseTimes times, TimeSource time, Intake intake) {
    this.client = client;
    this.url = url;
    this.times = times;
    this.time = time;
    this.intake = intake;
  }

  /**
   * Asks for up to {@code size} messages.
   *
   * @param waitSeconds how long SQS is to wait for the first
   * @param then called once, however it ends, perhaps before this returns
   */
  void send(int size, int waitSeconds, Over then) {
    ReceiveMessageRequest request =
        ReceiveMessageRequest.builder()
            .queueUrl(url)
            .maxNumberOfMessages(size)
            .waitTimeSeconds(waitSeconds)
            .visibilityTimeout(times.visibilitySeconds())
            .messageSystemAttributeNames(SYSTEM_ATTRIBUTES)
            .messageAttributeNames("All")
            .build();
    long sentNanos = time.nanoTime();
    try {
      var unused =
          client
              .receiveMessage(request)
              .whenComplete((response, failure) -> over(sentNanos, response, failure, then));
    } catch (RuntimeException e) {
      // A client that was closed before the queue throws instead of failing its future.
      over(sentNanos, null, e, then);
    }
  }

  private void over(
      long sentNanos,
      @Nullable ReceiveMessageResponse response,
      @Nullable Throwable failure,
      Over then) {
    List<Message> messages = response == null ? List.of() : response.messages();
    List<SqsDelivery> admitted = new ArrayList<>(messages.size());
    for (Message message : messages) {
      try {
        SqsDelivery delivery = intake.admit(message, sentNanos);
        if (delivery != null) {
          admitted.add(delivery);
        }
      } catch (RuntimeException e) {
        // One message must not stop the rest; it comes back by its lease.
        LOG.error("Message {} of {} could not be taken in", message.messageId(), url, e);
      }
    }
    then.over(messages.size(), admitted, failure);
  }
}
