package dev.forebay.queue.sqs;

import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResultEntry;

/**
 * Sends messages to one queue in batches and tells the outcome of each (E1, E2). It never sends one
 * twice on its own: only the caller knows whether a second copy would hurt.
 *
 * <p>Thread-safe.
 */
final class Sender {

  /** Requests under way at once: enough to fill a fast link, few enough to leave connections. */
  private static final int MAX_CONCURRENT = 16;

  /** How long an enqueue waits for room in the buffer before it is refused. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** Sent messages remembered to tell a duplicate; five minutes' worth of a busy FIFO queue. */
  private static final int REMEMBERED = 50_000;

  private final SqsAsyncClient client;
  private final String url;
  private final boolean fifo;
  private final Batcher<Parcel> batcher;
  private final Map<String, String> sent =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
          return size() > REMEMBERED;
        }
      };

  Sender(SqsAsyncClient client, String url, boolean fifo, TimeSource time, Duration linger) {
    this.client = client;
    this.url = url;
    this.fifo = fifo;
    this.batcher = new Batcher<>(time, linger, MAX_CONCURRENT, this::send);
  }

  /**
   * One message on its way.
   *
   * @param id the id its enqueue will report
   * @param group message group; null for none
   * @param dedupId SQS's dedup id, on FIFO queues
   */
  record Parcel(
      String id,
      SqsWire.Encoded encoded,
      @Nullable String group,
      @Nullable String dedupId,
      int delaySeconds,
      boolean ordered,
      CompletableFuture<EnqueueOutcome> outcome)
      implements Batcher.Entry {

    @Override
    public long bytes() {
      return encoded.bytes();
    }

    @Override
    public @Nullable String lane() {
      return ordered ? group : null;
    }
  }

  /**
   * Sends one message; completes when its outcome is known, never exceptionally. Where the buffer
   * is full the caller waits for room, for a bounded time.
   */
  CompletableFuture<EnqueueOutcome> send(
      String id,
      SqsWire.Encoded encoded,
      @Nullable String group,
      @Nullable String dedupId,
      int delaySeconds) {
    return offer(
        new Parcel(id, encoded, group, dedupId, delaySeconds, fifo, new CompletableFuture<>()),
        PATIENCE);
  }

  /** Sends one message likewise, but never waits: for threads that belong to somebody else. */
  CompletableFuture<EnqueueOutcome> sendWithoutWaiting(
      String id,
      SqsWire.Encoded encoded,
      @Nullable String group,
      @Nullable String dedupId,
      int delaySeconds) {
    return offer(
        new Parcel(id, encoded, group, dedupId, delaySeconds, fifo, new CompletableFuture<>()),
        Duration.ZERO);
  }

  private CompletableFuture<EnqueueOutcome> offer(Parcel parcel, Duration patience) {
    if (!batcher.offer(parcel, patience)) {
      parcel
          .outcome()
          .complete(
              new EnqueueOutcome.Failed(
                  ErrorCode.OVERLOADED,
                  "The buffer of messages to send is full"
                      + (patience.isZero() ? "" : ", for " + patience.toSeconds() + " s now")
                      + ": SQS takes less than is enqueued. Nothing was sent; enqueue slower."));
    }
    return parcel.outcome();
  }

  void flush() {
    batcher.flush();
  }

  boolean awaitIdle(Duration bound) {
    return batcher.awaitIdle(bound);
  }

  /** Tells the callers of what was not sent, or has no answer yet. */
  void abandon() {
    for (Parcel parcel : batcher.underWay()) {
      parcel
          .outcome()
          .complete(
              new EnqueueOutcome.Failed(
                  ErrorCode.AMBIGUOUS,
                  "The queue was closed before SQS answered, so the message may be stored."));
    }
    for (Parcel parcel : batcher.abandon()) {
      parcel
          .outcome()
          .complete(
              new EnqueueOutcome.Failed(
                  ErrorCode.CLOSED, "The queue was closed before this message was sent."));
    }
  }

  private CompletableFuture<?> send(List<Parcel> batch) {
    List<SendMessageBatchRequestEntry> entries = new ArrayList<>(batch.size());
    for (int i = 0; i < batch.size(); i++) {
      Parcel parcel = batch.get(i);
      SendMessageBatchRequestEntry.Builder entry =
          SendMessageBatchRequestEntry.builder()
              .id(Integer.toString(i))
              .messageBody(parcel.encoded().body())
              .messageAttributes(parcel.encoded().attributes())
              .messageGroupId(parcel.group())
              .messageDeduplicationId(parcel.dedupId());
      if (parcel.delaySeconds() > 0) {
        entry.delaySeconds(parcel.delaySeconds());
      }
      entries.add(entry.build());
    }
    return client
        .sendMessageBatch(request -> request.queueUrl(url).entries(entries))
        .handle(
            (response, failure) -> {
              if (failure == null) {
                answer(batch, response);
              } else {
                fail(batch, SqsErrors.unwrap(failure));
              }
              return null;
            })
        .whenComplete((done, defect) -> answerRest(batch, defect));
  }

  /** Whatever goes wrong here, nobody waits for ever. */
  private static void answerRest(List<Parcel> batch, @Nullable Throwable defect) {
    if (defect != null) {
      for (Parcel parcel : batch) {
        parcel
            .outcome()
            .complete(
                new EnqueueOutcome.Failed(
                    ErrorCode.INTERNAL, "The answer of SQS could not be understood", defect));
      }
    }
  }

  private void answer(List<Parcel> batch, SendMessageBatchResponse response) {
    Map<String, SendMessageBatchResultEntry> stored = new HashMap<>();
    Map<String, BatchResultErrorEntry> failed = new HashMap<>();
    response.successful().forEach(entry -> stored.put(entry.id(), entry));
    response.failed().forEach(entry -> failed.put(entry.id(), entry));
    for (int i = 0; i < batch.size(); i++) {
      Parcel parcel = batch.get(i);
      SendMessageBatchResultEntry success = stored.get(Integer.toString(i));
      BatchResultErrorEntry error = failed.get(Integer.toString(i));
      if (success != null) {
        parcel.outcome().complete(stored(parcel, success.messageId()));
      } else if (error != null) {
        parcel
            .outcome()
            .complete(
                new EnqueueOutcome.Failed(
                    SqsErrors.ofEntry(error),
                    "SQS refused this message: " + error.code() + ", " + error.message()));
      } else {
        parcel
            .outcome()
            .complete(
                new EnqueueOutcome.Failed(
                    ErrorCode.AMBIGUOUS,
                    "SQS answered the batch without a word on this message; it may be stored."));
      }
    }
  }

  /** SQS answers the second of two equal dedup ids with the first one's message id. */
  private EnqueueOutcome stored(Parcel parcel, String sqsId) {
    if (!fifo) {
      return new EnqueueOutcome.Enqueued(parcel.id());
    }
    String earlier;
    synchronized (sent) {
      earlier = sent.putIfAbsent(sqsId, parcel.id());
    }
    return earlier == null
        ? new EnqueueOutcome.Enqueued(parcel.id())
        : new EnqueueOutcome.Duplicate(earlier);
  }

  private static void fail(List<Parcel> batch, Throwable failure) {
    ErrorCode code = SqsErrors.ofCall(failure);
    String text =
        code == ErrorCode.AMBIGUOUS
            ? "The request was sent and no answer came, so the message may be stored: "
            : "The message was not stored: ";
    for (Parcel parcel : batch) {
      parcel
          .outcome()
          .complete(new EnqueueOutcome.Failed(code, text + failure.getMessage(), failure));
    }
  }
}
