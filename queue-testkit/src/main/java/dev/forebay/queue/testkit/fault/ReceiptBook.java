package dev.forebay.queue.testkit.fault;

import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.SdkRequest;
import software.amazon.awssdk.core.SdkResponse;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequest;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchResponse;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchResultEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchResultEntry;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageRequest;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageResponse;

/**
 * Remembers the receipts a client was given and when each ends, to answer stale ones as AWS does:
 * emulators refuse a delete that AWS accepts without effect, and accept a change of visibility that
 * AWS refuses.
 *
 * <p>Thread-safe; remembers a bounded number of receipts, the oldest going first.
 */
final class ReceiptBook {

  private static final int REMEMBERED = 200_000;

  /** A receipt that no server has given out, so that it fails without an effect. */
  private static final String NOBODYS = "forebay-nobodys-receipt";

  private final TimeSource time = SystemTimeSource.get();
  private final Map<String, Long> ends =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Long> eldest) {
          return size() > REMEMBERED;
        }
      };

  /**
   * Spoils the entries that would revive a lapsed receipt, and notes how they are to be answered.
   */
  SdkRequest request(SdkRequest request, BatchFaults.Changes changes) {
    if (!(request instanceof ChangeMessageVisibilityBatchRequest change)) {
      return request;
    }
    List<ChangeMessageVisibilityBatchRequestEntry> entries = new ArrayList<>();
    for (ChangeMessageVisibilityBatchRequestEntry entry : change.entries()) {
      if (hasLapsed(entry.receiptHandle())) {
        changes.stale++;
        changes.failed.put(entry.id(), notInFlight(entry.id()));
        entries.add(entry.toBuilder().receiptHandle(NOBODYS).build());
      } else {
        entries.add(entry);
      }
    }
    return change.toBuilder().entries(entries).build();
  }

  /** Notes new receipts and new ends; lets deletes with an old receipt succeed. */
  SdkResponse response(SdkRequest request, SdkResponse response, BatchFaults.Changes changes) {
    if (request instanceof ReceiveMessageRequest receive
        && response instanceof ReceiveMessageResponse reply) {
      Integer visibility = receive.visibilityTimeout();
      if (visibility != null) {
        reply.messages().forEach((Message m) -> note(m.receiptHandle(), visibility));
      }
    }
    if (request instanceof ChangeMessageVisibilityBatchRequest change
        && response instanceof ChangeMessageVisibilityBatchResponse reply) {
      for (ChangeMessageVisibilityBatchResultEntry done : reply.successful()) {
        for (ChangeMessageVisibilityBatchRequestEntry asked : change.entries()) {
          Integer visibility = asked.visibilityTimeout();
          if (asked.id().equals(done.id()) && visibility != null) {
            note(asked.receiptHandle(), visibility);
          }
        }
      }
    }
    if (request instanceof DeleteMessageBatchRequest delete
        && response instanceof DeleteMessageBatchResponse reply) {
      return accept(delete, reply, changes);
    }
    return response;
  }

  private SdkResponse accept(
      DeleteMessageBatchRequest delete,
      DeleteMessageBatchResponse reply,
      BatchFaults.Changes changes) {
    Map<String, String> receipts = new HashMap<>();
    for (DeleteMessageBatchRequestEntry entry : delete.entries()) {
      receipts.put(entry.id(), entry.receiptHandle());
    }
    List<DeleteMessageBatchResultEntry> successful = new ArrayList<>(reply.successful());
    List<BatchResultErrorEntry> failed = new ArrayList<>();
    for (BatchResultErrorEntry error : reply.failed()) {
      String receipt = receipts.get(error.id());
      if (error.code().contains("ReceiptHandle") && receipt != null && isKnown(receipt)) {
        changes.stale++;
        successful.add(DeleteMessageBatchResultEntry.builder().id(error.id()).build());
      } else {
        failed.add(error);
      }
    }
    return reply.toBuilder().successful(successful).failed(failed).build();
  }

  private synchronized void note(String receipt, int visibilitySeconds) {
    ends.put(receipt, time.nanoTime() + TimeUnit.SECONDS.toNanos(visibilitySeconds));
  }

  private synchronized boolean hasLapsed(String receipt) {
    @Nullable Long end = ends.get(receipt);
    return end != null && end - time.nanoTime() <= 0;
  }

  private synchronized boolean isKnown(String receipt) {
    return ends.containsKey(receipt);
  }

  private static BatchResultErrorEntry notInFlight(String id) {
    return BatchResultErrorEntry.builder()
        .id(id)
        .code("MessageNotInflight")
        .message("The message is not in flight.")
        .senderFault(true)
        .build();
  }
}
