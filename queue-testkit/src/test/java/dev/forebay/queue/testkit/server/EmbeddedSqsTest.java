package dev.forebay.queue.testkit.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Map;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueDoesNotExistException;

class EmbeddedSqsTest {

  @Test
  void queues_haveNamesOfTheirOwn_andAreOfTheKindAskedFor() {
    EmbeddedSqs server = EmbeddedSqs.shared();
    String one = server.createQueue("same");
    String two = server.createQueue("same");
    String fifo = server.createFifoQueue("same");
    assertThat(one).isNotEqualTo(two);
    assertThat(fifo).endsWith(".fifo");
    assertThat(server.redriveTo(one, 7).get(QueueAttributeName.REDRIVE_POLICY))
        .contains("\"maxReceiveCount\":7")
        .contains(one.substring(one.lastIndexOf('/') + 1));
    server.deleteQueue(one);
    assertThatThrownBy(
            () ->
                server
                    .client()
                    .sendMessage(request -> request.queueUrl(one).messageBody("gone"))
                    .join())
        .hasCauseInstanceOf(QueueDoesNotExistException.class);
  }

  @Test
  void shared_isOnePerJvm() {
    assertThat(EmbeddedSqs.shared()).isSameAs(EmbeddedSqs.shared());
    assertThat(EmbeddedSqs.shared().client()).isSameAs(EmbeddedSqs.shared().client());
  }

  @Test
  void stoppedServer_refusesConnections_andKeepsItsMessages() {
    assumeTrue(EmbeddedSqs.shared().canStop(), "the server is not ours to stop");
    try (EmbeddedSqs server = EmbeddedSqs.start();
        SqsAsyncClient client = server.newClient()) {
      String url = server.createQueue("kept", Map.of(QueueAttributeName.VISIBILITY_TIMEOUT, "60"));
      client.sendMessage(request -> request.queueUrl(url).messageBody("kept")).join();
      var endpoint = server.endpoint();
      server.stop();
      assertThatThrownBy(() -> client.sendMessage(r -> r.queueUrl(url).messageBody("lost")).join())
          .isInstanceOf(CompletionException.class)
          .hasCauseInstanceOf(SdkClientException.class);
      server.restart();
      assertThat(server.endpoint()).isEqualTo(endpoint);
      var received =
          client.receiveMessage(r -> r.queueUrl(url).maxNumberOfMessages(10)).join().messages();
      assertThat(received).singleElement().satisfies(m -> assertThat(m.body()).isEqualTo("kept"));
    }
  }
}
