package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResultEntry;

/** Copies are written on threads of the client and of timers, which must not be kept waiting. */
class DeadLetterSenderTest {

  private static final Duration LEASE = Duration.ofMinutes(5);

  /** Far below the patience of an enqueue, far above what anything else here takes. */
  private static final Duration AT_ONCE = Duration.ofSeconds(8);

  /** What may wait. */
  private static final long BIG = 32L << 20;

  private final ManualTimeSource time = new ManualTimeSource();
  private final Queue<Runnable> unanswered = new ConcurrentLinkedQueue<>();
  private boolean answers;

  /** A client that answers nobody until told to. */
  private final SqsAsyncClient client =
      new SqsAsyncClient() {
        @Override
        public CompletableFuture<SendMessageBatchResponse> sendMessageBatch(
            SendMessageBatchRequest request) {
          CompletableFuture<SendMessageBatchResponse> answer = new CompletableFuture<>();
          Runnable stored =
              () ->
                  answer.complete(
                      SendMessageBatchResponse.builder()
                          .successful(
                              request.entries().stream()
                                  .map(
                                      entry ->
                                          SendMessageBatchResultEntry.builder()
                                              .id(entry.id())
                                              .messageId(entry.id())
                                              .build())
                                  .toList())
                          .failed(List.of())
                          .build());
          if (answers) {
            stored.run();
          } else {
            unanswered.add(stored);
          }
          return answer;
        }

        @Override
        public String serviceName() {
          return "sqs";
        }

        @Override
        public void close() {}
      };

  private final Sender sender = new Sender(client, "url", false, time, Duration.ofMillis(1));
  private final DeadLetterSender letters =
      new DeadLetterSender("origin", "letters", false, 1 << 20, sender, time);

  private CompletableFuture<EnqueueOutcome> send(long bytes) {
    return sender.sendWithoutWaiting(
        "id", new SqsWire.Encoded("body", Map.of(), 4, bytes), null, null, 0);
  }

  @SuppressWarnings("NullAway") // It belongs to no queue, and nothing decides it here.
  private SqsDelivery delivery() {
    Message message =
        Message.builder()
            .messageId("m")
            .body("poison")
            .receiptHandle("r")
            .attributes(Map.of(MessageSystemAttributeName.SENT_TIMESTAMP, "1"))
            .build();
    return new SqsDelivery(
        null, SqsWire.decodePlain(message), message, 1, time, 0, LEASE.toNanos());
  }

  @Test
  void P5_aFullBufferOfDeadLettersKeepsNoThreadAndTheLetterIsWrittenLater() {
    // Whatever may be under way at once, and then more than may wait.
    while (unanswered.size() < 16) {
      send(BIG);
      time.advance(Duration.ofMillis(1));
    }
    CompletableFuture<EnqueueOutcome> waiting = send(BIG);
    assertThat(send(BIG)).as("the buffer is full").isDone();
    CompletableFuture<EnqueueOutcome> letter =
        assertTimeoutPreemptively(
            AT_ONCE,
            () -> letters.send(delivery(), new DeadLetterCause(DeadLetterCause.UNDECODABLE, "?")));
    // For much longer than a request that failed would be sent again.
    time.advance(Duration.ofMinutes(1));
    assertThat(letter).isNotDone();
    answers = true;
    unanswered.forEach(Runnable::run);
    assertThat(waiting).isDone();
    time.advance(Duration.ofSeconds(3));
    assertThat(letter).isCompletedWithValueMatching(EnqueueOutcome.Enqueued.class::isInstance);
  }

  @Test
  void P5_aBufferThatStaysFullIsGivenUpBeforeTheLeaseEnds() {
    while (unanswered.size() < 16) {
      send(BIG);
      time.advance(Duration.ofMillis(1));
    }
    CompletableFuture<EnqueueOutcome> waiting = send(BIG);
    CompletableFuture<EnqueueOutcome> letter =
        letters.send(delivery(), new DeadLetterCause(DeadLetterCause.UNDECODABLE, "?"));
    time.advance(LEASE);
    assertThat(waiting).isNotDone();
    assertThat(letter).isCompletedWithValueMatching(EnqueueOutcome.Failed.class::isInstance);
    assertThat(time.pendingTimers()).isZero();
  }
}
