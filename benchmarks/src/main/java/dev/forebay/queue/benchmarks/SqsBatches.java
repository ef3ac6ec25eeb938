package dev.forebay.queue.benchmarks;

import java.util.ArrayList;
import java.util.List;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;

/** Requests for up to ten messages, with positional entry ids. */
final class SqsBatches {

  /** SQS's own limit. */
  static final int SIZE = 10;

  private SqsBatches() {}

  /** Sends any number of messages, ten a request. */
  static void send(SqsClient client, String queueUrl, List<String> bodies) {
    for (int from = 0; from < bodies.size(); from += SIZE) {
      List<SendMessageBatchRequestEntry> entries = new ArrayList<>();
      for (String body : bodies.subList(from, Math.min(bodies.size(), from + SIZE))) {
        entries.add(
            SendMessageBatchRequestEntry.builder()
                .id(Integer.toString(entries.size()))
                .messageBody(body)
                .build());
      }
      var response =
          client.sendMessageBatch(request -> request.queueUrl(queueUrl).entries(entries));
      if (response.hasFailed()) {
        throw new IllegalStateException("Not all were sent: " + response.failed());
      }
    }
  }

  /** Deletes up to ten; what fails comes back by its visibility, as a plain loop would have it. */
  static void delete(SqsClient client, String queueUrl, List<String> receipts) {
    if (receipts.isEmpty()) {
      return;
    }
    List<DeleteMessageBatchRequestEntry> entries = new ArrayList<>();
    for (String receipt : receipts) {
      entries.add(
          DeleteMessageBatchRequestEntry.builder()
              .id(Integer.toString(entries.size()))
              .receiptHandle(receipt)
              .build());
    }
    client.deleteMessageBatch(request -> request.queueUrl(queueUrl).entries(entries));
  }

  /** Sets the visibility of up to ten. */
  static void changeVisibility(
      SqsClient client, String queueUrl, List<String> receipts, int seconds) {
    if (receipts.isEmpty()) {
      return;
    }
    List<ChangeMessageVisibilityBatchRequestEntry> entries = new ArrayList<>();
    for (String receipt : receipts) {
      entries.add(
          ChangeMessageVisibilityBatchRequestEntry.builder()
              .id(Integer.toString(entries.size()))
              .receiptHandle(receipt)
              .visibilityTimeout(seconds)
              .build());
    }
    client.changeMessageVisibilityBatch(request -> request.queueUrl(queueUrl).entries(entries));
  }
}
