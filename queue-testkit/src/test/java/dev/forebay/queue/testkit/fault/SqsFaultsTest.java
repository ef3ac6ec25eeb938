package dev.forebay.queue.testkit.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.testkit.server.EmbeddedSqs;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.RequestThrottledException;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.SqsException;

/** Each fault does what its name says, on the server and to the caller. */
class SqsFaultsTest {

  private final EmbeddedSqs server = EmbeddedSqs.shared();
  private final String url = server.createQueue("faults");

  private static List<SendMessageBatchRequestEntry> entries(int count) {
    return IntStream.range(0, count)
        .mapToObj(
            i ->
                SendMessageBatchRequestEntry.builder().id("e" + i).messageBody("body " + i).build())
        .toList();
  }

  private SendMessageBatchResponse send(SqsAsyncClient client, int count) {
    return client.sendMessageBatch(r -> r.queueUrl(url).entries(entries(count))).join();
  }

  private List<Message> receive(SqsAsyncClient client, int visibilitySeconds) {
    return client
        .receiveMessage(
            r -> r.queueUrl(url).maxNumberOfMessages(10).visibilityTimeout(visibilitySeconds))
        .join()
        .messages();
  }

  private int stored() {
    List<Message> all = new ArrayList<>();
    for (List<Message> some = receive(server.client(), 600);
        !some.isEmpty();
        some = receive(server.client(), 600)) {
      all.addAll(some);
    }
    return all.size();
  }

  @Test
  void lostRequest_isNotCarriedOut() {
    SqsFaults faults = SqsFaults.seed(1).lostRequests(1).build();
    try (SqsAsyncClient client = server.newClient(faults)) {
      assertThatThrownBy(() -> send(client, 1))
          .isInstanceOf(CompletionException.class)
          .hasCauseInstanceOf(SdkClientException.class);
    }
    assertThat(faults.fired(SqsFault.LOST_REQUEST)).isEqualTo(1);
    assertThat(stored()).isZero();
  }

  @Test
  void lostReply_isCarriedOutOnce() {
    SqsFaults faults = SqsFaults.seed(1).lostReplies(1).build();
    try (SqsAsyncClient client = server.newClient(faults)) {
      assertThatThrownBy(() -> send(client, 1)).hasCauseInstanceOf(SdkClientException.class);
      assertThat(faults.fired(SqsFault.LOST_REPLY)).isEqualTo(1);
      faults.enable(false);
      assertThat(send(client, 1).successful()).hasSize(1);
      assertThat(faults.calls("SendMessageBatch")).isEqualTo(2);
      assertThat(faults.messageCalls()).isEqualTo(2);
    }
    assertThat(stored()).isEqualTo(2);
  }

  @Test
  void throttlingAndDenial_areAnswersOfTheService() {
    SqsFaults faults = SqsFaults.seed(1).throttles(1).deny("DeleteMessageBatch").build();
    try (SqsAsyncClient client = server.newClient(faults)) {
      assertThatThrownBy(() -> send(client, 1)).hasCauseInstanceOf(RequestThrottledException.class);
      assertThatThrownBy(() -> delete(client, "receipt"))
          .cause()
          .isInstanceOfSatisfying(
              SqsException.class, e -> assertThat(e.statusCode()).isEqualTo(403));
    }
    assertThat(stored()).isZero();
  }

  private static DeleteMessageBatchRequestEntry deletion(String receipt) {
    return DeleteMessageBatchRequestEntry.builder().id("d").receiptHandle(receipt).build();
  }

  private software.amazon.awssdk.services.sqs.model.DeleteMessageBatchResponse delete(
      SqsAsyncClient client, String receipt) {
    return client.deleteMessageBatch(r -> r.queueUrl(url).entries(deletion(receipt))).join();
  }

  @Test
  void failedEntries_areNotCarriedOut_andTheRestIs() {
    SqsFaults faults = SqsFaults.seed(1).failedEntries(0.5).build();
    SendMessageBatchResponse response;
    try (SqsAsyncClient client = server.newClient(faults)) {
      response = send(client, 10);
    }
    int failed = (int) faults.fired(SqsFault.FAILED_ENTRY);
    assertThat(failed).isBetween(1, 9);
    assertThat(response.failed()).hasSize(failed).noneMatch(entry -> entry.senderFault());
    assertThat(response.successful()).hasSize(10 - failed);
    assertThat(stored()).isEqualTo(10 - failed);
  }

  @Test
  void unlistedEntries_areCarriedOut() {
    SqsFaults faults = SqsFaults.seed(1).unlistedEntries(1).build();
    try (SqsAsyncClient client = server.newClient(faults)) {
      SendMessageBatchResponse response = send(client, 10);
      assertThat(response.successful()).isEmpty();
      assertThat(response.failed()).isEmpty();
    }
    assertThat(stored()).isEqualTo(10);
  }

  @Test
  void delays_holdBackRequestsAndReplies() {
    SqsFaults faults = SqsFaults.seed(1).delays(1, Duration.ofMillis(30)).build();
    try (SqsAsyncClient client = server.newClient(faults)) {
      assertThat(send(client, 3).successful()).hasSize(3);
    }
    assertThat(faults.fired(SqsFault.DELAY)).isEqualTo(2);
    assertThat(stored()).isEqualTo(3);
  }

  @Test
  void duplicates_areDeliveredWhileTheFirstReceiptIsHeld() {
    send(server.client(), 1);
    SqsFaults faults = SqsFaults.seed(1).duplicateDeliveries(1, server.client()).build();
    try (SqsAsyncClient client = server.newClient(faults)) {
      List<Message> first = receive(client, 60);
      assertThat(first).hasSize(1);
      List<Message> second = new ArrayList<>();
      await()
          .atMost(Duration.ofSeconds(20))
          .until(
              () -> {
                second.addAll(receive(server.client(), 60));
                return !second.isEmpty();
              });
      assertThat(second.get(0).messageId()).isEqualTo(first.get(0).messageId());
      assertThat(second.get(0).receiptHandle()).isNotEqualTo(first.get(0).receiptHandle());
    }
  }

  @Test
  void staleReceipts_areAnsweredAsAwsDoes() {
    SqsFaults faults = SqsFaults.seed(1).staleReceiptsAsAws().build();
    try (SqsAsyncClient client = server.newClient(faults)) {
      send(client, 1);
      Message lapsed = receive(client, 1).get(0);
      List<Message> again = new ArrayList<>();
      await()
          .atMost(Duration.ofSeconds(20))
          .until(
              () -> {
                again.addAll(receive(client, 60));
                return !again.isEmpty();
              });
      assertThat(delete(client, lapsed.receiptHandle()).successful())
          .as("a delete with a stale receipt succeeds")
          .hasSize(1);
      var refused =
          client
              .changeMessageVisibilityBatch(
                  r ->
                      r.queueUrl(url)
                          .entries(
                              ChangeMessageVisibilityBatchRequestEntry.builder()
                                  .id("c")
                                  .receiptHandle(lapsed.receiptHandle())
                                  .visibilityTimeout(60)
                                  .build()))
              .join();
      assertThat(refused.failed())
          .singleElement()
          .satisfies(entry -> assertThat(entry.code()).isEqualTo("MessageNotInflight"));
      assertThat(faults.fired(SqsFault.STALE_RECEIPT)).isEqualTo(2);
      assertThat(delete(client, again.get(0).receiptHandle()).failed())
          .as("the stale delete removed nothing, the newer receipt still holds")
          .isEmpty();
      assertThat(delete(client, "no receipt at all").failed()).hasSize(1);
    }
  }

  @Test
  void sameSeed_sameFaults() {
    List<Boolean> first = outcomes(99);
    assertThat(outcomes(99)).isEqualTo(first);
    assertThat(first).contains(true, false);
  }

  private List<Boolean> outcomes(long seed) {
    List<Boolean> outcomes = new ArrayList<>();
    try (SqsAsyncClient client = server.newClient(SqsFaults.seed(seed).lostRequests(0.5).build())) {
      for (int i = 0; i < 20; i++) {
        outcomes.add(
            client
                .sendMessageBatch(r -> r.queueUrl(url).entries(entries(1)))
                .handle((response, failure) -> failure == null)
                .join());
      }
    }
    return outcomes;
  }
}
