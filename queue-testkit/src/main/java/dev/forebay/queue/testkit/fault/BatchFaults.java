package dev.forebay.queue.testkit.fault;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import software.amazon.awssdk.core.SdkRequest;
import software.amazon.awssdk.core.SdkResponse;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequest;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchResponse;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageRequest;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageResponse;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequest;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResponse;

/** Faults of single entries of a batch, and of single received messages. Stateless. */
final class BatchFaults {

  private BatchFaults() {}

  /** What was done to the entries of one call, to be answered when its reply is there. */
  static final class Changes {
    /** Entries to report as failed, by id. */
    final Map<String, BatchResultErrorEntry> failed = new LinkedHashMap<>();

    int stale;
  }

  /**
   * Takes entries out of a batch, or makes sure that they fail, and notes them as failed. One entry
   * always stays: an empty batch is an error of its own.
   */
  static SdkRequest fail(SdkRequest request, Changes changes, BooleanSupplier strikes) {
    if (request instanceof SendMessageBatchRequest send) {
      return send.toBuilder()
          .entries(kept(send.entries(), SendMessageBatchRequestEntry::id, changes, strikes))
          .build();
    }
    if (request instanceof DeleteMessageBatchRequest delete) {
      return delete.toBuilder()
          .entries(kept(delete.entries(), DeleteMessageBatchRequestEntry::id, changes, strikes))
          .build();
    }
    if (request instanceof ChangeMessageVisibilityBatchRequest change) {
      return change.toBuilder()
          .entries(
              kept(
                  change.entries(), ChangeMessageVisibilityBatchRequestEntry::id, changes, strikes))
          .build();
    }
    return request;
  }

  private static <E> List<E> kept(
      List<E> entries, Function<E, String> id, Changes changes, BooleanSupplier strikes) {
    List<E> kept = new ArrayList<>();
    for (int i = 0; i < entries.size(); i++) {
      E entry = entries.get(i);
      boolean lastChance = kept.isEmpty() && i == entries.size() - 1;
      // An entry that is to fail anyway stays: its receipt has been spoiled.
      if (changes.failed.containsKey(id.apply(entry)) || lastChance || !strikes.getAsBoolean()) {
        kept.add(entry);
      } else {
        changes.failed.put(id.apply(entry), internalError(id.apply(entry)));
      }
    }
    return kept;
  }

  /** Puts the noted failures into the reply, in place of what the server said of these entries. */
  static SdkResponse answer(SdkResponse response, Changes changes) {
    if (changes.failed.isEmpty()) {
      return response;
    }
    Set<String> ids = changes.failed.keySet();
    if (response instanceof SendMessageBatchResponse send) {
      return send.toBuilder()
          .successful(send.successful().stream().filter(e -> !ids.contains(e.id())).toList())
          .failed(merged(send.failed(), changes))
          .build();
    }
    if (response instanceof DeleteMessageBatchResponse delete) {
      return delete.toBuilder()
          .successful(delete.successful().stream().filter(e -> !ids.contains(e.id())).toList())
          .failed(merged(delete.failed(), changes))
          .build();
    }
    if (response instanceof ChangeMessageVisibilityBatchResponse change) {
      return change.toBuilder()
          .successful(change.successful().stream().filter(e -> !ids.contains(e.id())).toList())
          .failed(merged(change.failed(), changes))
          .build();
    }
    return response;
  }

  /** Leaves successful entries out of the reply. */
  static SdkResponse unlist(SdkResponse response, BooleanSupplier strikes) {
    if (response instanceof SendMessageBatchResponse send) {
      return send.toBuilder()
          .successful(send.successful().stream().filter(e -> !strikes.getAsBoolean()).toList())
          .build();
    }
    if (response instanceof DeleteMessageBatchResponse delete) {
      return delete.toBuilder()
          .successful(delete.successful().stream().filter(e -> !strikes.getAsBoolean()).toList())
          .build();
    }
    if (response instanceof ChangeMessageVisibilityBatchResponse change) {
      return change.toBuilder()
          .successful(change.successful().stream().filter(e -> !strikes.getAsBoolean()).toList())
          .build();
    }
    return response;
  }

  private static List<BatchResultErrorEntry> merged(
      List<BatchResultErrorEntry> server, Changes changes) {
    List<BatchResultErrorEntry> all = new ArrayList<>(changes.failed.values());
    server.stream().filter(e -> !changes.failed.containsKey(e.id())).forEach(all::add);
    return all;
  }

  private static BatchResultErrorEntry internalError(String id) {
    return BatchResultErrorEntry.builder()
        .id(id)
        .code("InternalError")
        .message("Injected fault: the service failed on this entry")
        .senderFault(false)
        .build();
  }

  /** Makes received messages visible again behind their receiver's back. */
  static final class Duplicator {
    private final SqsAsyncClient behind;

    Duplicator(SqsAsyncClient behind) {
      this.behind = behind;
    }

    void duplicate(SdkRequest request, SdkResponse response, BooleanSupplier strikes) {
      if (!(request instanceof ReceiveMessageRequest receive)
          || !(response instanceof ReceiveMessageResponse reply)) {
        return;
      }
      for (Message message : reply.messages()) {
        if (strikes.getAsBoolean()) {
          // Nothing to wait for: should it fail, this message is just not doubled.
          var unused =
              behind.changeMessageVisibility(
                  change ->
                      change
                          .queueUrl(receive.queueUrl())
                          .receiptHandle(message.receiptHandle())
                          .visibilityTimeout(0));
        }
      }
    }
  }
}
