package dev.forebay.queue.micrometer;

import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.transport.Kind;
import io.micrometer.observation.transport.SenderContext;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A queue whose enqueues are observed, each from the call to its outcome. As thread-safe as the
 * queue behind it.
 */
final class ObservedWorkQueue extends ForwardingWorkQueue {

  private static final String ENQUEUE = "forebay.enqueue";

  /** Until there is one: an observation has the same labels however it ends. */
  private static final String NONE = "None";

  private final ObservationRegistry registry;

  ObservedWorkQueue(WorkQueue target, ObservationRegistry registry) {
    super(target);
    this.registry = registry;
  }

  @Override
  public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
    Sent sent = begin(message);
    return target()
        .enqueue(sent.message)
        .whenComplete((outcome, failure) -> sent.end(outcome, failure));
  }

  @Override
  public CompletableFuture<List<EnqueueOutcome>> enqueueAll(List<Message> messages) {
    List<Sent> sent = new ArrayList<>(messages.size());
    for (Message message : messages) {
      sent.add(begin(message));
    }
    return target()
        .enqueueAll(sent.stream().map(each -> each.message).toList())
        .whenComplete(
            (outcomes, failure) -> {
              for (int i = 0; i < sent.size(); i++) {
                sent.get(i).end(outcomes == null ? null : outcomes.get(i), failure);
              }
            });
  }

  private Sent begin(Message message) {
    Map<String, String> headers = new LinkedHashMap<>();
    SenderContext<Map<String, String>> context =
        new SenderContext<>(
            (carrier, name, value) -> Objects.requireNonNull(carrier).put(name, value),
            Kind.PRODUCER);
    context.setCarrier(headers);
    context.setContextualName("enqueue " + name());
    Observation observation =
        Observation.createNotStarted(ENQUEUE, () -> context, registry)
            .lowCardinalityKeyValue("queue", name())
            .lowCardinalityKeyValue(MessageObservations.OUTCOME, NONE)
            .start();
    return new Sent(observation, withHeaders(message, headers));
  }

  /** A message that would be refused for its trace's sake is sent without it. */
  private Message withHeaders(Message message, Map<String, String> added) {
    if (added.isEmpty()) {
      return message;
    }
    Map<String, String> all = new LinkedHashMap<>(message.headers());
    all.putAll(added);
    long bytes = message.bodySize();
    for (Map.Entry<String, String> header : all.entrySet()) {
      bytes += header.getKey().length() + header.getValue().length();
    }
    boolean fits =
        all.size() <= capabilities().maxHeaders() && bytes <= capabilities().maxMessageBytes();
    return fits ? message.headers(added) : message;
  }

  /** An enqueue under way. */
  private record Sent(Observation observation, Message message) {

    void end(@Nullable EnqueueOutcome outcome, @Nullable Throwable failure) {
      if (failure != null) {
        observation.error(failure);
      } else if (outcome instanceof EnqueueOutcome.Failed failed) {
        observation.error(new QueueException(failed.code(), failed.toString()));
      }
      if (outcome != null) {
        observation.lowCardinalityKeyValue(
            MessageObservations.OUTCOME, outcome.getClass().getSimpleName());
      }
      observation.stop();
    }
  }
}
