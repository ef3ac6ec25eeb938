package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.testkit.fault.SqsFaults;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/** What a message costs in requests: full batches at full load, against one by one. */
class SqsCostTest {

  private static final int MESSAGES = 3_000;
  private static final int NAIVE = 50;

  private final EmbeddedSqs server = SqsHarness.server();

  @Test
  void atFullLoad_requestsAMessage_stayBelowATenthOfOneByOne() {
    double library = library();
    double naive = naive();
    System.out.printf(
        "SQS requests a message, send + receive + delete: %.3f, one by one %.3f%n", library, naive);
    assertThat(naive).isEqualTo(3.0);
    assertThat(library).isLessThanOrEqualTo(0.32);
  }

  private double library() {
    SqsFaults counter = SqsFaults.seed(1).build();
    try (SqsAsyncClient client = server.newClient(counter)) {
      SqsWorkQueue queue = SqsWorkQueue.builder(client, server.createQueue("cost")).build();
      List<CompletableFuture<EnqueueOutcome>> outcomes = new ArrayList<>();
      for (int i = 0; i < MESSAGES; i++) {
        outcomes.add(queue.enqueue(Message.text("message " + i)));
      }
      outcomes.forEach(outcome -> outcome.join().orThrow());
      int taken = 0;
      while (taken < MESSAGES) {
        for (Delivery delivery : queue.poll(50, Duration.ofSeconds(10))) {
          taken++;
          var unused = delivery.ack();
        }
      }
      queue.close();
      assertThat(taken).isEqualTo(MESSAGES);
      return (double) counter.messageCalls() / MESSAGES;
    }
  }

  private double naive() {
    SqsFaults counter = SqsFaults.seed(1).build();
    try (SqsAsyncClient client = server.newClient(counter)) {
      String url = server.createQueue("cost");
      for (int i = 0; i < NAIVE; i++) {
        String body = "message " + i;
        client.sendMessage(request -> request.queueUrl(url).messageBody(body)).join();
      }
      AtomicInteger deleted = new AtomicInteger();
      for (int i = 0; i < NAIVE; i++) {
        client
            .receiveMessage(request -> request.queueUrl(url).waitTimeSeconds(5))
            .join()
            .messages()
            .forEach(
                message -> {
                  client
                      .deleteMessage(
                          request -> request.queueUrl(url).receiptHandle(message.receiptHandle()))
                      .join();
                  deleted.incrementAndGet();
                });
      }
      assertThat(deleted).hasValue(NAIVE);
      return (double) counter.messageCalls() / NAIVE;
    }
  }
}
