package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.loadtest.model.Floor;
import dev.forebay.queue.loadtest.model.TimeOuts;
import dev.forebay.queue.sqs.SqsWorkQueue;
import dev.forebay.queue.testkit.server.EmbeddedSqs;
import java.time.Duration;
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
  private static final Duration SECOND = Duration.ofSeconds(1);

  /** Below this {@link SqsWorkQueue} asks for a second more than the lease. */
  private static final Duration SHORT_LEASE = Duration.ofSeconds(3);

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
        "No poll waits longer than a third of the lease.");
  }

  @Override
  public List<Floor> floors() {
    List<Floor> floors = new ArrayList<>();
    Duration lease = timeOuts.lease();
    if (lease.compareTo(SHORT_LEASE) < 0) {
      floors.add(
          new Floor(
              "sqs",
              "lease",
              lease,
              lease.plus(SECOND),
              "since SQS counts it from some time during the receive, which waits a second"));
    }
    Duration backoff = timeOuts.backoff();
    if (backoff.toNanosPart() > 0) {
      floors.add(
          new Floor(
              "sqs",
              "backoff",
              backoff,
              Duration.ofSeconds(backoff.toSeconds() + 1),
              "since SQS counts whole seconds"));
    }
    return floors;
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
