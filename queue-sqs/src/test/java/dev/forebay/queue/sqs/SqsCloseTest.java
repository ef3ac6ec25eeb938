package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.testkit.server.EmbeddedSqs;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageRequest;

/** Closing a queue and then its client, as everybody does (S1). */
class SqsCloseTest {

  private final EmbeddedSqs server = SqsHarness.server();

  /**
   * However short the grace time is against the poll wait: what a receive brings after its queue
   * was closed could not be given back, and would be nobody's until the lease ends.
   */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void close_leavesNoReceiveBehind(int graceSeconds) throws Exception {
    AtomicInteger underWay = new AtomicInteger();
    ExecutionInterceptor counter =
        new ExecutionInterceptor() {
          @Override
          public void beforeExecution(
              Context.BeforeExecution context, ExecutionAttributes attributes) {
            if (context.request() instanceof ReceiveMessageRequest) {
              underWay.incrementAndGet();
            }
          }

          @Override
          public void afterExecution(
              Context.AfterExecution context, ExecutionAttributes attributes) {
            if (context.request() instanceof ReceiveMessageRequest) {
              underWay.decrementAndGet();
            }
          }
        };
    try (SqsAsyncClient client = server.newClient(counter)) {
      SqsWorkQueue queue =
          SqsWorkQueue.builder(client, server.createQueue("short-grace"))
              .lease(Duration.ofMinutes(2))
              .pollWait(Duration.ofSeconds(20))
              .grace(Duration.ofSeconds(graceSeconds))
              .build();
      CompletableFuture<List<?>> poll =
          CompletableFuture.supplyAsync(() -> queue.poll(1, Duration.ofSeconds(20)));
      await().atMost(SqsQueueTest.SOON).until(() -> underWay.get() > 0);
      queue.close();
      assertThat(underWay).as("receives under way after close").hasValue(0);
      assertThat(poll.get(10, TimeUnit.SECONDS)).isEmpty();
    }
  }
}
