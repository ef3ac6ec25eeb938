package dev.forebay.queue.micrometer;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.worker.BatchHandler;
import dev.forebay.queue.worker.BatchItem;
import dev.forebay.queue.worker.DecidingHandler;
import dev.forebay.queue.worker.Handler;
import dev.forebay.queue.worker.HandlerContext;
import dev.forebay.queue.worker.Outcome;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.transport.Kind;
import io.micrometer.observation.transport.ReceiverContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Observes enqueues and handlers, so that a trace goes on in the handler of the message that was
 * sent in it.
 *
 * <pre>{@code
 * MessageObservations observed = MessageObservations.of(observationRegistry);
 * observed.producer(queue).enqueue(message);                                     // the producer
 * Worker.builder(queue).handler(observed.handler(this::handle));                 // the consumer
 * Worker.builder(queue).handler(JsonCodec.of(Prompt.class), observed.handler(this::answer));
 * Worker.builder(queue).batches(options, observed.batches(this::generate));
 * }</pre>
 *
 * <p>The context travels in the message's headers as the registry's tracing handlers write it, as
 * {@code traceparent} and {@code tracestate} with OpenTelemetry or any other W3C propagator. A
 * consumer's span has the producer's as its parent, so that both are in one trace. Without tracing
 * handlers nothing is written.
 *
 * <p>A batch has several producers and a span only one parent. So each message of a batch has a
 * span of its own, the child of its producer's, for as long as the handler runs, and the call of
 * the handler has one besides, in which the handler runs. Observations know no links between spans,
 * but tracers do: {@link BatchLinks} adds those from the call's span to the producers'.
 *
 * <p>Immutable and thread-safe.
 */
public final class MessageObservations {

  static final String OUTCOME = "outcome";

  private static final String HANDLE = "forebay.handle";
  private static final String HANDLE_BATCH = "forebay.handle.batch";
  private static final String QUEUE = "queue";

  /** An observation has the same labels however it ends: some registries refuse others. */
  private static final String THROWN = "Thrown";

  /** Of a batch, whose messages have outcomes of their own. */
  private static final String RETURNED = "Returned";

  private final ObservationRegistry registry;

  private MessageObservations(ObservationRegistry registry) {
    this.registry = registry;
  }

  /** Observations of this registry. */
  public static MessageObservations of(ObservationRegistry registry) {
    return new MessageObservations(Objects.requireNonNull(registry));
  }

  /**
   * The queue with its enqueues observed as {@code forebay.enqueue}; everything else is passed on.
   * Where the queue has no room for the headers of the trace, the message goes without them.
   */
  public WorkQueue producer(WorkQueue queue) {
    return new ObservedWorkQueue(queue, registry);
  }

  /**
   * The handler with its runs observed as {@code forebay.handle}, whether it works on deliveries or
   * on values decoded from them. What cannot be decoded is not run and not observed.
   */
  public <T> Handler<T> handler(Handler<T> handler) {
    return (input, context) -> {
      Observation observation = observation(context);
      observation.observeChecked(
          () -> {
            handler.handle(input, context);
            observation.lowCardinalityKeyValue(OUTCOME, name(Outcome.ack()));
          });
    };
  }

  /** The handler with its runs observed as {@code forebay.handle}; see above. */
  public <T> DecidingHandler<T> deciding(DecidingHandler<T> handler) {
    return (input, context) -> {
      Observation observation = observation(context);
      return observation.<Outcome, Exception>observeChecked(
          () -> {
            Outcome outcome = handler.handle(input, context);
            observation.lowCardinalityKeyValue(OUTCOME, name(outcome));
            return outcome;
          });
    };
  }

  /**
   * The handler with each of its calls observed as {@code forebay.handle.batch}, and each message
   * of it as {@code forebay.handle} for the same time, with its own outcome. Messages that are run
   * again in smaller batches because the handler threw are observed again.
   */
  public <T> BatchHandler<T> batches(BatchHandler<T> handler) {
    return items -> {
      BatchContext context = new BatchContext();
      Observation call = batchObservation(items, context);
      List<Observation> each = new ArrayList<>(items.size());
      for (BatchItem<T> item : items) {
        Observation message = observation(item.context()).start();
        each.add(message);
        context.add(message.getContext());
      }
      Throwable thrown = null;
      try {
        call.observeChecked(
            () -> {
              handler.handle(items);
              call.lowCardinalityKeyValue(OUTCOME, RETURNED);
            });
      } catch (Throwable e) {
        thrown = e;
        throw e;
      } finally {
        for (int i = 0; i < each.size(); i++) {
          end(each.get(i), items.get(i), thrown);
        }
      }
    };
  }

  private static void end(Observation observation, BatchItem<?> item, @Nullable Throwable thrown) {
    Throwable failure = item.failureCause().orElse(thrown);
    Outcome decision = item.decision().orElse(null);
    if (decision != null) {
      observation.lowCardinalityKeyValue(OUTCOME, name(decision));
    } else if (failure != null) {
      observation.error(failure);
    } else {
      observation.lowCardinalityKeyValue(OUTCOME, name(Outcome.ack()));
    }
    observation.stop();
  }

  private static String name(Outcome outcome) {
    return outcome.getClass().getSimpleName();
  }

  private Observation observation(HandlerContext attempt) {
    Delivery delivery = attempt.delivery();
    ReceiverContext<Delivery> context =
        new ReceiverContext<>(
            (carrier, name) -> carrier.message().header(name).orElse(null), Kind.CONSUMER);
    context.setCarrier(delivery);
    String queue = delivery.queue().name();
    context.setContextualName("handle " + queue);
    return Observation.createNotStarted(HANDLE, () -> context, registry)
        .lowCardinalityKeyValue(QUEUE, queue)
        .lowCardinalityKeyValue(OUTCOME, THROWN)
        .highCardinalityKeyValue("message", delivery.id())
        .highCardinalityKeyValue("attempt", Integer.toString(attempt.attempt()));
  }

  private Observation batchObservation(List<? extends BatchItem<?>> items, BatchContext context) {
    String queue = items.get(0).context().delivery().queue().name();
    return Observation.createNotStarted(HANDLE_BATCH, () -> context, registry)
        .contextualName("handle batch " + queue)
        .lowCardinalityKeyValue(QUEUE, queue)
        .lowCardinalityKeyValue(OUTCOME, THROWN)
        .highCardinalityKeyValue("messages", Integer.toString(items.size()));
  }
}
