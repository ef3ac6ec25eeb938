package dev.forebay.queue.sqs;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/**
 * What SQS says of a queue, asked once when it is opened (S2). Immutable.
 *
 * @param url the queue's URL
 * @param name the queue's name
 * @param fifo whether it is a FIFO queue
 * @param maxBytes largest message this queue takes
 * @param maxReceiveCount after how many receives SQS itself moves a message to its dead-letter
 *     queue; zero: never
 * @param deadLetterArn where to
 */
record QueueFacts(
    String url,
    String name,
    boolean fifo,
    long maxBytes,
    int maxReceiveCount,
    @Nullable String deadLetterArn) {

  static final String FIFO_SUFFIX = ".fifo";

  /**
   * From this maximum of receives on, one that brought nothing about does not matter: what a
   * process received and had to give back counts as well.
   */
  static final int AMPLE_RECEIVES = 10;

  /** A queue that does not answer within this time counts as out of reach. */
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private static final Pattern MAX_RECEIVES =
      Pattern.compile("\"maxReceiveCount\"\\s*:\\s*\"?(\\d+)");
  private static final Pattern TARGET =
      Pattern.compile("\"deadLetterTargetArn\"\\s*:\\s*\"([^\"]+)\"");

  /**
   * Asks SQS for the queue's attributes.
   *
   * @throws QueueException with the code and the remedy, when the queue cannot be used
   */
  static QueueFacts read(SqsAsyncClient client, String url) {
    Map<QueueAttributeName, String> attributes =
        await(
                client.getQueueAttributes(
                    request -> request.queueUrl(url).attributeNames(QueueAttributeName.ALL)),
                client,
                "read the attributes of",
                url)
            .attributes();
    String policy = attributes.getOrDefault(QueueAttributeName.REDRIVE_POLICY, "");
    Matcher receives = MAX_RECEIVES.matcher(policy);
    Matcher target = TARGET.matcher(policy);
    String name = nameOf(url);
    return new QueueFacts(
        url,
        name,
        name.endsWith(FIFO_SUFFIX),
        maxBytes(attributes.get(QueueAttributeName.MAXIMUM_MESSAGE_SIZE)),
        receives.find() ? Integer.parseInt(receives.group(1)) : 0,
        target.find() ? target.group(1) : null);
  }

  /** Whether SQS moves messages to the dead letters after so few receives that each counts. */
  boolean countsReceivesClosely() {
    return maxReceiveCount > 0 && maxReceiveCount < AMPLE_RECEIVES;
  }

  /** The URL of the queue behind an ARN. */
  static String urlOf(SqsAsyncClient client, String arn, String source) {
    String[] parts = arn.split(":", 6);
    if (parts.length < 6) {
      throw new QueueException(
          ErrorCode.MISCONFIGURED,
          "The redrive policy of " + source + " names " + arn + ", which is no queue's ARN.");
    }
    try {
      return await(
              client.getQueueUrl(
                  request -> request.queueName(parts[5]).queueOwnerAWSAccountId(parts[4])),
              client,
              "find the dead-letter queue",
              arn)
          .queueUrl();
    } catch (QueueException e) {
      if (e.code() == ErrorCode.NOT_FOUND) {
        throw new QueueException(
            ErrorCode.MISCONFIGURED,
            "The redrive policy of "
                + source
                + " names the dead-letter queue "
                + arn
                + ", which does not exist. Create it or change the policy.",
            e);
      }
      throw e;
    }
  }

  /** The last part of a queue's URL. */
  static String nameOf(String url) {
    return url.substring(url.lastIndexOf('/') + 1);
  }

  /** Waits for an answer, for a bounded time, and turns what went wrong into what to do. */
  static <T> T await(
      CompletableFuture<T> future, SqsAsyncClient client, String action, String queue) {
    try {
      return future.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new QueueException(
          ErrorCode.UNAVAILABLE, "Interrupted while waiting to " + action + " " + queue + ".", e);
    } catch (TimeoutException e) {
      throw new QueueException(
          ErrorCode.UNAVAILABLE,
          "Could not "
              + action
              + " "
              + queue
              + ": no answer within "
              + PATIENCE.toSeconds()
              + " s from "
              + endpoint(client)
              + ". Check the endpoint, the region and the network.",
          e);
    } catch (ExecutionException e) {
      throw explain(SqsErrors.unwrap(e), client, action, queue);
    }
  }

  private static QueueException explain(
      Throwable failure, SqsAsyncClient client, String action, String queue) {
    ErrorCode code = SqsErrors.ofCall(failure);
    String start = "Could not " + action + " " + queue + ": ";
    return switch (code) {
      case NOT_FOUND ->
          new QueueException(
              code,
              start
                  + "it does not exist at "
                  + endpoint(client)
                  + ". Create it, or check the URL, the account and the region.",
              failure);
      case ACCESS_DENIED ->
          new QueueException(
              code,
              start
                  + "SQS refuses these credentials. Allow the caller sqs:GetQueueAttributes and"
                  + " sqs:GetQueueUrl besides what it does with the queue.",
              failure);
      // Asking changes nothing, so it does not matter whether the question arrived.
      case UNAVAILABLE, AMBIGUOUS ->
          new QueueException(
              ErrorCode.UNAVAILABLE,
              start
                  + endpoint(client)
                  + " cannot be reached ("
                  + failure.getMessage()
                  + "). Check the endpoint, the region and the network.",
              failure);
      case THROTTLED ->
          new QueueException(code, start + "SQS asks for fewer requests. Try later.", failure);
      default -> new QueueException(code, start + failure.getMessage(), failure);
    };
  }

  private static String endpoint(SqsAsyncClient client) {
    return client
        .serviceClientConfiguration()
        .endpointOverride()
        .map(uri -> "the endpoint " + uri)
        .orElseGet(() -> "SQS in region " + client.serviceClientConfiguration().region());
  }

  private static long maxBytes(@Nullable String attribute) {
    try {
      return attribute == null
          ? SqsWire.MAX_BYTES
          : Math.min(SqsWire.MAX_BYTES, Long.parseLong(attribute));
    } catch (NumberFormatException e) {
      return SqsWire.MAX_BYTES;
    }
  }
}
