package dev.forebay.queue.sqs;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;

/**
 * Deletes messages and changes their visibility, in batches (A4).
 *
 * <p>Unlike a send, both can be repeated without harm; so an entry that failed for a passing reason
 * is tried again, a bounded number of times and only while its lease lives (A3). Entry ids are
 * positions: one message id may be in a batch twice.
 *
 * <p>Thread-safe.
 */
final class Settler {

  private static final Logger LOG = LoggerFactory.getLogger(Settler.class);

  private static final int MAX_CONCURRENT = 16;
  private static final int MAX_TRIES = 5;
  private static final long FIRST_PAUSE_MILLIS = 50;
  private static final long LONGEST_PAUSE_MILLIS = 2_000;

  /** SQS counts a settlement's share of a request's size by its receipt; far from any limit. */
  private static final long ENTRY_BYTES = 1024;

  /** How a request about one receipt ended. */
  enum Result {
    /** Carried out. */
    DONE,
    /** The receipt no longer holds a message; nothing was changed. */
    GONE,
    /** Refused; surely nothing was changed. */
    REFUSED,
    /** The lease ended before it could be sent; nothing was changed. */
    TOO_LATE,
    /** Perhaps carried out. */
    AMBIGUOUS
  }

  private final SqsAsyncClient client;
  private final String url;
  private final TimeSource time;
  private final Batcher<Request> deletes;
  private final Batcher<Request> changes;
  private final Set<String> told = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  Settler(SqsAsyncClient client, String url, TimeSource time, Duration linger) {
    this.client = client;
    this.url = url;
    this.time = time;
    this.deletes = new Batcher<>(time, linger, MAX_CONCURRENT, this::sendDeletes);
    this.changes = new Batcher<>(time, linger, MAX_CONCURRENT, this::sendChanges);
  }

  /** What is asked of SQS about one receipt. */
  private static final class Request implements Batcher.Entry {
    final Supplier<String> receipt;
    final LongSupplier deadlineNanos;
    final int visibilitySeconds;
    final CompletableFuture<Result> result = new CompletableFuture<>();

    /** When the last try was sent: what SQS then does begins after this. */
    volatile long sentNanos;

    int tries;
    boolean perhapsDone;

    Request(Supplier<String> receipt, LongSupplier deadlineNanos, int visibilitySeconds) {
      this.receipt = receipt;
      this.deadlineNanos = deadlineNanos;
      this.visibilitySeconds = visibilitySeconds;
    }

    @Override
    public long bytes() {
      return ENTRY_BYTES;
    }

    @Override
    public @Nullable String lane() {
      return null;
    }
  }

  /**
   * How a change of visibility ended.
   *
   * @param sentNanos from when on SQS may have counted the new visibility
   */
  record Changed(Result result, long sentNanos) {}

  /** Deletes the message that a receipt holds, unless the lease ends before. */
  CompletableFuture<Result> delete(Supplier<String> receipt, LongSupplier deadlineNanos) {
    Request request = new Request(receipt, deadlineNanos, 0);
    deletes.add(List.of(request));
    return request.result;
  }

  /** Sets the visibility of the message that a receipt holds, unless the lease ends before. */
  CompletableFuture<Changed> change(
      Supplier<String> receipt, LongSupplier deadlineNanos, int visibilitySeconds) {
    Request request = new Request(receipt, deadlineNanos, visibilitySeconds);
    changes.add(List.of(request));
    return request.result.thenApply(result -> new Changed(result, request.sentNanos));
  }

  void flush() {
    deletes.flush();
    changes.flush();
  }

  /** Answers what was not sent, and tries nothing again from now on. */
  void abandon() {
    closed = true;
    for (Request request : deletes.abandon()) {
      giveUp(request, Result.TOO_LATE);
    }
    for (Request request : changes.abandon()) {
      giveUp(request, Result.TOO_LATE);
    }
  }

  private CompletableFuture<?> sendDeletes(List<Request> requests) {
    List<Request> batch = live(requests);
    if (batch.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    List<DeleteMessageBatchRequestEntry> entries = new ArrayList<>(batch.size());
    for (int i = 0; i < batch.size(); i++) {
      entries.add(
          DeleteMessageBatchRequestEntry.builder()
              .id(Integer.toString(i))
              .receiptHandle(batch.get(i).receipt.get())
              .build());
    }
    return client
        .deleteMessageBatch(request -> request.queueUrl(url).entries(entries))
        .handle(
            (response, failure) -> {
              if (failure != null) {
                failed(deletes, batch, SqsErrors.unwrap(failure));
              } else {
                answer(
                    deletes,
                    batch,
                    response.successful().stream().map(entry -> entry.id()).toList(),
                    response.failed());
              }
              return null;
            })
        .whenComplete((done, defect) -> answerRest(batch, defect));
  }

  private CompletableFuture<?> sendChanges(List<Request> requests) {
    List<Request> batch = live(requests);
    if (batch.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    List<ChangeMessageVisibilityBatchRequestEntry> entries = new ArrayList<>(batch.size());
    for (int i = 0; i < batch.size(); i++) {
      entries.add(
          ChangeMessageVisibilityBatchRequestEntry.builder()
              .id(Integer.toString(i))
              .receiptHandle(batch.get(i).receipt.get())
              .visibilityTimeout(batch.get(i).visibilitySeconds)
              .build());
    }
    return client
        .changeMessageVisibilityBatch(request -> request.queueUrl(url).entries(entries))
        .handle(
            (response, failure) -> {
              if (failure != null) {
                failed(changes, batch, SqsErrors.unwrap(failure));
              } else {
                answer(
                    changes,
                    batch,
                    response.successful().stream().map(entry -> entry.id()).toList(),
                    response.failed());
              }
              return null;
            })
        .whenComplete((done, defect) -> answerRest(batch, defect));
  }

  /** Whatever goes wrong here, nobody waits for ever. */
  private static void answerRest(List<Request> batch, @Nullable Throwable defect) {
    if (defect != null) {
      LOG.error("The answer of SQS to a settlement could not be understood", defect);
      batch.forEach(request -> request.result.complete(Result.AMBIGUOUS));
    }
  }

  /** Leaves out what became stale while it waited: a stale receipt is never sent. */
  private List<Request> live(List<Request> requests) {
    long now = time.nanoTime();
    List<Request> live = new ArrayList<>(requests.size());
    for (Request request : requests) {
      if (request.deadlineNanos.getAsLong() - now > 0) {
        request.sentNanos = now;
        request.tries++;
        live.add(request);
      } else {
        giveUp(request, Result.TOO_LATE);
      }
    }
    return live;
  }

  private void answer(
      Batcher<Request> batcher,
      List<Request> batch,
      List<String> successful,
      List<BatchResultErrorEntry> failed) {
    boolean[] done = new boolean[batch.size()];
    Map<Integer, BatchResultErrorEntry> errors = new HashMap<>();
    successful.forEach(id -> done[Integer.parseInt(id)] = true);
    failed.forEach(entry -> errors.put(Integer.parseInt(entry.id()), entry));
    for (int i = 0; i < done.length; i++) {
      Request request = batch.get(i);
      BatchResultErrorEntry error = errors.get(i);
      if (done[i]) {
        request.result.complete(Result.DONE);
      } else if (error == null) {
        request.perhapsDone = true;
        again(batcher, request, Result.AMBIGUOUS);
      } else if (SqsErrors.isLostReceipt(error)) {
        giveUp(request, Result.GONE);
      } else if (SqsErrors.ofEntry(error).retryable()) {
        again(batcher, request, Result.REFUSED);
      } else {
        tell(batcher, SqsErrors.ofEntry(error), error.code() + ", " + error.message());
        giveUp(request, Result.REFUSED);
      }
    }
  }

  private void failed(Batcher<Request> batcher, List<Request> batch, Throwable failure) {
    ErrorCode code = SqsErrors.ofCall(failure);
    if (!code.retryable()) {
      tell(batcher, code, String.valueOf(failure.getMessage()));
    }
    for (Request request : batch) {
      request.perhapsDone |= code == ErrorCode.AMBIGUOUS;
      if (code.retryable()) {
        again(batcher, request, Result.REFUSED);
      } else {
        giveUp(request, Result.REFUSED);
      }
    }
  }

  private void again(Batcher<Request> batcher, Request request, Result otherwise) {
    if (closed || request.tries >= MAX_TRIES) {
      giveUp(request, otherwise);
      return;
    }
    Duration pause = Pauses.after(request.tries, FIRST_PAUSE_MILLIS, LONGEST_PAUSE_MILLIS);
    if (request.deadlineNanos.getAsLong() - time.nanoTime() <= pause.toNanos()) {
      giveUp(request, otherwise);
      return;
    }
    time.schedule(pause, () -> resend(batcher, request));
  }

  private void resend(Batcher<Request> batcher, Request request) {
    if (closed) {
      giveUp(request, Result.TOO_LATE);
    } else {
      batcher.add(List.of(request));
    }
  }

  /** An earlier try whose answer was lost may have been carried out, whatever a later one says. */
  private static void giveUp(Request request, Result result) {
    request.result.complete(request.perhapsDone ? Result.AMBIGUOUS : result);
  }

  /** Once for each action: as long as it is refused, all of them are. */
  private void tell(Batcher<Request> batcher, ErrorCode code, String what) {
    String action = batcher == deletes ? "sqs:DeleteMessage" : "sqs:ChangeMessageVisibility";
    if (!told.add(action)) {
      return;
    }
    if (code == ErrorCode.ACCESS_DENIED) {
      LOG.error(
          "SQS refuses to let this process settle messages of {}: allow it {}. Until then they come"
              + " back by their lease, done or not. {}",
          url,
          action,
          what);
    } else {
      LOG.warn(
          "SQS refuses to settle messages of {}, which will come back by their lease: {}",
          url,
          what);
    }
  }
}
