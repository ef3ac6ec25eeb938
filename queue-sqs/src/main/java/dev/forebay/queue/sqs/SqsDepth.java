package dev.forebay.queue.sqs;

import dev.forebay.queue.QueueDepth;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** Asks SQS how much is in a queue: estimates, and nothing about the age of the oldest. */
final class SqsDepth {

  private SqsDepth() {}

  static QueueDepth of(SqsAsyncClient client, QueueFacts facts) {
    Map<QueueAttributeName, String> attributes =
        QueueFacts.await(
                client.getQueueAttributes(
                    request ->
                        request
                            .queueUrl(facts.url())
                            .attributeNames(
                                QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES,
                                QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE,
                                QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_DELAYED)),
                client,
                "count the messages of",
                facts.url())
            .attributes();
    return new QueueDepth(
        count(attributes.get(QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES)),
        count(attributes.get(QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE)),
        count(attributes.get(QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_DELAYED)),
        Optional.empty());
  }

  private static OptionalLong count(@Nullable String value) {
    return value == null ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(value));
  }
}
