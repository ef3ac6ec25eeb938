package dev.forebay.queue.micrometer;

import io.micrometer.observation.Observation;
import io.micrometer.tracing.Link;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.TraceContext;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.handler.DefaultTracingObservationHandler;
import io.micrometer.tracing.handler.TracingObservationHandler.TracingContext;
import java.util.Objects;

/**
 * Links the span of a batch ({@link MessageObservations#batches}) to the producers' spans of all
 * its messages. Everything else about it is as with the default handler, in front of which it has
 * to be asked:
 *
 * <pre>{@code
 * registry.observationConfig().observationHandler(
 *     new ObservationHandler.FirstMatchingCompositeObservationHandler(
 *         new PropagatingSenderTracingObservationHandler<>(tracer, propagator),
 *         new PropagatingReceiverTracingObservationHandler<>(tracer, propagator),
 *         BatchLinks.of(tracer),
 *         new DefaultTracingObservationHandler(tracer)));
 * }</pre>
 *
 * <p>With Spring Boot that is a bean with {@code @Order(0)}. A message whose producer was not
 * traced, or whose trace is not sampled, has no link. How many links a span keeps is the tracing
 * library's business; with OpenTelemetry they are 128 unless set.
 *
 * <p>Needs {@code io.micrometer:micrometer-tracing}, on which nothing else of this module depends.
 * Thread-safe.
 */
public final class BatchLinks extends DefaultTracingObservationHandler {

  private BatchLinks(Tracer tracer) {
    super(tracer);
  }

  /** Links by this tracer, the one of the other tracing handlers. */
  public static BatchLinks of(Tracer tracer) {
    return new BatchLinks(Objects.requireNonNull(tracer));
  }

  @Override
  public boolean supportsContext(Observation.Context context) {
    return context instanceof BatchContext;
  }

  @Override
  public void onStart(Observation.Context context) {
    Span.Builder builder = getTracer().spanBuilder();
    Span parent = getParentSpan(context);
    if (parent != null) {
      builder = builder.setParent(parent.context());
    }
    for (Observation.ContextView message : ((BatchContext) context).messages()) {
      builder = link(builder, message);
    }
    // Links are for the builder only, which is why the default handler's span will not do.
    getTracingContext(context).setSpan(builder.start());
  }

  private Span.Builder link(Span.Builder builder, Observation.ContextView message) {
    TracingContext tracing = message.get(TracingContext.class);
    Span span = tracing == null ? null : tracing.getSpan();
    if (span == null) {
      return builder;
    }
    // Its parent is the producer's span, which was extracted from the message's headers.
    TraceContext context = span.context();
    String producer = context.parentId();
    if (producer == null) {
      return builder;
    }
    TraceContext.Builder linked =
        getTracer().traceContextBuilder().traceId(context.traceId()).spanId(producer);
    Boolean sampled = context.sampled();
    return builder.addLink(new Link((sampled == null ? linked : linked.sampled(sampled)).build()));
  }
}
