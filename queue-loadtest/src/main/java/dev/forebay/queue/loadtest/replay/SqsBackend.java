package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.sqs.SqsWorkQueue;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/**
 * A standard queue on the SQS server of this JVM, or on the one that the system properties of
 * {@link EmbeddedSqs} name. Each object has a client of its own, as each process would.
 * Thread-safe.
 */
final class SqsBackend implements Backend {
  private final TimeOuts timeOuts;
  private final EmbeddedSqs server;
  private final String queueUrl;
  private final String deadLettersUrl;
  private final AtomicLong calls = new AtomicLong();
  private final List<SqsAsyncClient> clients = new ArrayList<>();

  private SqsBackend(TimeOuts timeOuts, EmbeddedSqs server) {
    this.timeOuts = timeOuts;
    this.server = server;
    queueUrl = server.createQueue("loadtest");
    deadLettersUrl = server.createQueue("loadtest-dead");
  }

  static SqsBackend start(TimeOuts timeOuts) {
    return new SqsBackend(timeOuts, EmbeddedSqs.shared());
  }

  @Override
  public synchronized WorkQueue open() {
    SqsAsyncClient client = server.newClient(new CallCounter(calls));
    clients.add(client);
    return SqsWorkQueue.builder(client, queueUrl)
        .lease(timeOuts.lease())
        .pollWait(timeOuts.pollWait())
        .deadLetterQueueUrl(deadLettersUrl)
        .build();
  }

  @Override
  public @Nullable Long apiCalls() {
    return calls.get();
  }

  @Override
  public void resetApiCalls() {
    calls.set(0);
  }

  @Override
  public List<String> notes() {
    return List.of(
        "Standard queue at " + server.endpoint() + ".",
        "SQS counts in whole seconds: a backoff below one second becomes one second.",
        "No poll waits longer than a third of the lease.");
  }

  @Override
  public synchronized void close() {
    clients.forEach(SqsAsyncClient::close);
    server.deleteQueue(queueUrl);
    server.deleteQueue(deadLettersUrl);
  }

  /**
   * Counts what would be billed: every request that goes out, the client's own retries included.
   */
  private record CallCounter(AtomicLong calls) implements ExecutionInterceptor {
    @Override
    public void beforeTransmission(
        Context.BeforeTransmission context, ExecutionAttributes attributes) {
      calls.incrementAndGet();
    }
  }
}
