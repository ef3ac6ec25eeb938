package dev.forebay.queue.examples;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.micrometer.BatchLinks;
import dev.forebay.queue.micrometer.MessageObservations;
import dev.forebay.queue.worker.BatchHandler;
import dev.forebay.queue.worker.BatchOptions;
import dev.forebay.queue.worker.Worker;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.tracing.handler.DefaultTracingObservationHandler;
import io.micrometer.tracing.handler.PropagatingReceiverTracingObservationHandler;
import io.micrometer.tracing.handler.PropagatingSenderTracingObservationHandler;
import io.micrometer.tracing.otel.bridge.OtelCurrentTraceContext;
import io.micrometer.tracing.otel.bridge.OtelPropagator;
import io.micrometer.tracing.otel.bridge.OtelTracer;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.trace.ReadWriteSpan;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.time.Duration;

/**
 * Which requests were in the call of the model that took so long?
 *
 * <p>Each request has a trace of its own, and a call of the model for several of them cannot be in
 * all. So its span is linked to the spans in which they were sent: {@link BatchLinks}, asked before
 * Micrometer Tracing's default handler. Here with OpenTelemetry, whose spans are only printed; with
 * Spring Boot the tracer and the other handlers are there already.
 */
public final class TracedBatch {

  private static final int REQUESTS = 3;

  private TracedBatch() {}

  /** Prints what ends, in place of an exporter. */
  private static final class Printer implements SpanProcessor {

    @Override
    public void onStart(Context parent, ReadWriteSpan span) {}

    @Override
    public boolean isStartRequired() {
      return false;
    }

    @Override
    public void onEnd(ReadableSpan ended) {
      SpanData span = ended.toSpanData();
      System.out.println(span.getName() + ", links: " + span.getLinks().size());
      span.getLinks()
          .forEach(
              link -> System.out.println("  to a span of " + link.getSpanContext().getTraceId()));
    }

    @Override
    public boolean isEndRequired() {
      return true;
    }
  }

  private static ObservationRegistry observations(SdkTracerProvider provider) {
    Tracer otel = provider.get("example");
    OtelTracer tracer = new OtelTracer(otel, new OtelCurrentTraceContext(), event -> {});
    OtelPropagator propagator =
        new OtelPropagator(
            ContextPropagators.create(W3CTraceContextPropagator.getInstance()), otel);
    ObservationRegistry registry = ObservationRegistry.create();
    registry
        .observationConfig()
        .observationHandler(
            new ObservationHandler.FirstMatchingCompositeObservationHandler(
                new PropagatingSenderTracingObservationHandler<>(tracer, propagator),
                new PropagatingReceiverTracingObservationHandler<>(tracer, propagator),
                BatchLinks.of(tracer), // before the default one
                new DefaultTracingObservationHandler(tracer)));
    return registry;
  }

  /** Three requests in one call. */
  public static void main(String[] args) throws InterruptedException {
    BatchHandler<Delivery> model =
        items -> System.out.println("one call for " + items.size() + " requests");
    try (SdkTracerProvider provider =
            SdkTracerProvider.builder().addSpanProcessor(new Printer()).build();
        WorkQueue queue = InMemoryWorkQueue.builder("gpu").build()) {
      MessageObservations observed = MessageObservations.of(observations(provider));
      WorkQueue producer = observed.producer(queue);
      for (int i = 0; i < REQUESTS; i++) {
        producer.enqueue(Message.text("request " + i)).join().orThrow();
      }
      try (Worker worker =
          Worker.builder(queue)
              .batches(
                  BatchOptions.of(REQUESTS).linger(Duration.ofSeconds(10)), observed.batches(model))
              .start()) {
        while (worker.stats().handled() < REQUESTS) {
          Thread.sleep(5);
        }
      }
    }
  }
}
