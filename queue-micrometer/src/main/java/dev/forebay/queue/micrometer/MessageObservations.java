package dev.forebay.queue.micrometer;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.worker.DecidingHandler;
import dev.forebay.queue.worker.Handler;
import dev.forebay.queue.worker.Outcome;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.transport.Kind;
import io.micrometer.observation.transport.ReceiverContext;
import java.util.Objects;

/**
 * Observes enqueues and handlers, so that a trace goes on in the handler of the message that was
 * sent in it.
 *
 * <pre>{@code
 * MessageObservations observed = MessageObservations.of(observationRegistry);
 * observed.producer(queue).enqueue(message);                       // the producer
 * Worker.builder(queue).handler(observed.handler(this::handle));   // the consumer
 * }</pre>
 *
 * <p>The context travels in the message's headers as the registry's tracing handlers write it, as
 * {@code traceparent} and {@code tracestate} with OpenTelemetry or any other W3C propagator. A
 * consumer's span has the producer's as its parent. Without tracing handlers nothing is written.
 *
 * <p>Immutable and thread-safe.
 */
public final class MessageObservations {

  static final String OUTCOME = "outcome";

  private static final String HANDLE = "forebay.handle";

  /** An observation has the same labels however it ends: some registries refuse others. */
  private static final String THROWN = "Thrown";

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

  /** The handler with its runs observed as {@code forebay.handle}. */
  public Handler<Delivery> handler(Handler<Delivery> handler) {
    return (delivery, context) -> {
      Observation observation = observation(delivery, context.attempt());
      observation.observeChecked(
          () -> {
            handler.handle(delivery, context);
            observation.lowCardinalityKeyValue(OUTCOME, name(Outcome.ack()));
          });
    };
  }

  /** The handler with its runs observed as {@code forebay.handle}. */
  public DecidingHandler<Delivery> deciding(DecidingHandler<Delivery> handler) {
    return (delivery, context) -> {
      Observation observation = observation(delivery, context.attempt());
      return observation.<Outcome, Exception>observeChecked(
          () -> {
            Outcome outcome = handler.handle(delivery, context);
            observation.lowCardinalityKeyValue(OUTCOME, name(outcome));
            return outcome;
          });
    };
  }

  private static String name(Outcome outcome) {
    return outcome.getClass().getSimpleName();
  }

  private Observation observation(Delivery delivery, int attempt) {
    ReceiverContext<Delivery> context =
        new ReceiverContext<>(
            (carrier, name) -> carrier.message().header(name).orElse(null), Kind.CONSUMER);
    context.setCarrier(delivery);
    String queue = delivery.queue().name();
    context.setContextualName("handle " + queue);
    return Observation.createNotStarted(HANDLE, () -> context, registry)
        .lowCardinalityKeyValue("queue", queue)
        .lowCardinalityKeyValue(OUTCOME, THROWN)
        .highCardinalityKeyValue("message", delivery.id())
        .highCardinalityKeyValue("attempt", Integer.toString(attempt));
  }
}
