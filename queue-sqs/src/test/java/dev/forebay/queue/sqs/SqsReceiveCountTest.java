package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageResponse;

/** Under a redrive policy each receive counts, also of what nobody was given. */
class SqsReceiveCountTest extends SqsQueueTest {

  private static final int ENQUEUED = 400;
  private static final int TAKEN = 250;

  @Test
  void whereFewReceivesAreAllowed_nothingIsReceivedThatIsNotHandedOut() {
    assertThat(mostAhead(server.redriveTo(server.createQueue("letters"), 3))).isZero();
  }

  /** What the other test would see if it did not matter. */
  @Test
  void whereManyReceivesAreAllowed_someAreReceivedAhead() {
    assertThat(mostAhead(server.redriveTo(server.createQueue("letters"), 10))).isPositive();
  }

  /** How many messages were received and not handed out, at most, while quick work was done. */
  private int mostAhead(Map<QueueAttributeName, String> policy) {
    AtomicInteger received = new AtomicInteger();
    ExecutionInterceptor counter =
        new ExecutionInterceptor() {
          @Override
          public void afterExecution(
              Context.AfterExecution context, ExecutionAttributes attributes) {
            if (context.response() instanceof ReceiveMessageResponse response) {
              received.addAndGet(response.messages().size());
            }
          }
        };
    SqsWorkQueue queue =
        queue(open(server.newClient(counter)), server.createQueue("counted", policy), 30);
    queue
        .enqueueAll(
            IntStream.range(0, ENQUEUED).mapToObj(i -> Message.text("message " + i)).toList())
        .join()
        .forEach(EnqueueOutcome::orThrow);
    List<CompletableFuture<?>> acks = new ArrayList<>();
    int most = 0;
    while (acks.size() < TAKEN) {
      for (Delivery delivery : queue.poll(2, SOON)) {
        acks.add(delivery.ack());
      }
      most = Math.max(most, received.get() - acks.size());
    }
    acks.forEach(CompletableFuture::join);
    return Math.max(most, received.get() - acks.size());
  }

  @Test
  void fewReceives_areWarnedOfAtBuild() {
    try (LogLines log = new LogLines(SqsWorkQueue.class)) {
      String letters = server.createQueue("letters");
      String few = server.createQueue("few", server.redriveTo(letters, 9));
      String ample = server.createQueue("ample", server.redriveTo(letters, 10));
      queue(plain, few, 30);
      queue(plain, ample, 30);
      assertThat(log.lines(Level.WARN, few))
          .singleElement()
          .satisfies(
              line -> assertThat(line).contains("maxReceiveCount of 9", "Set it to 10 or more"));
      assertThat(log.lines(Level.WARN, ample)).isEmpty();
    }
  }
}
