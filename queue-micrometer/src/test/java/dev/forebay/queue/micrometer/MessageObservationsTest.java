package dev.forebay.queue.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.worker.Outcome;
import dev.forebay.queue.worker.Worker;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.tck.TestObservationRegistry;
import io.micrometer.observation.tck.TestObservationRegistryAssert;
import io.micrometer.tracing.handler.DefaultTracingObservationHandler;
import io.micrometer.tracing.handler.PropagatingReceiverTracingObservationHandler;
import io.micrometer.tracing.handler.PropagatingSenderTracingObservationHandler;
import io.micrometer.tracing.otel.bridge.OtelCurrentTraceContext;
import io.micrometer.tracing.otel.bridge.OtelPropagator;
import io.micrometer.tracing.otel.bridge.OtelTracer;
import io.opentelemetry.api.trace.SpanKind;
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
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** Traces follow messages (W7). */
class MessageObservationsTest {

  private static final Duration LIMIT = Duration.ofSeconds(30);

  private static final RetryPolicy FAST =
      RetryPolicy.exponential(Duration.ofMillis(1), Duration.ofMillis(1)).maxAttempts(2);

  private final WorkQueue queue = InMemoryWorkQueue.builder("prompts").build();

  /** Finished spans of the OpenTelemetry SDK. */
  private static final class Spans implements SpanProcessor {
    final List<SpanData> ended = new CopyOnWriteArrayList<>();

    @Override
    public void onStart(Context parent, ReadWriteSpan span) {}

    @Override
    public boolean isStartRequired() {
      return false;
    }

    @Override
    public void onEnd(ReadableSpan span) {
      ended.add(span.toSpanData());
    }

    @Override
    public boolean isEndRequired() {
      return true;
    }

    SpanData only(String name) {
      return ended.stream().filter(span -> span.getName().equals(name)).toList().get(0);
    }
  }

  private static ObservationRegistry openTelemetry(SdkTracerProvider provider) {
    Tracer tracer = provider.get("test");
    OtelTracer bridge = new OtelTracer(tracer, new OtelCurrentTraceContext(), event -> {});
    OtelPropagator propagator =
        new OtelPropagator(
            ContextPropagators.create(W3CTraceContextPropagator.getInstance()), tracer);
    ObservationRegistry registry = ObservationRegistry.create();
    registry
        .observationConfig()
        .observationHandler(
            new ObservationHandler.FirstMatchingCompositeObservationHandler(
                new PropagatingSenderTracingObservationHandler<>(bridge, propagator),
                new PropagatingReceiverTracingObservationHandler<>(bridge, propagator),
                new DefaultTracingObservationHandler(bridge)));
    return registry;
  }

  @Test
  void W7_theHandlersSpanContinuesTheProducersTrace() {
    Spans spans = new Spans();
    try (SdkTracerProvider provider = SdkTracerProvider.builder().addSpanProcessor(spans).build()) {
      MessageObservations observed = MessageObservations.of(openTelemetry(provider));
      observed.producer(queue).enqueue(Message.text("a").header("mine", "stays")).join().orThrow();
      List<Delivery> seen = new CopyOnWriteArrayList<>();
      try (Worker unused =
          Worker.builder(queue)
              .handler(observed.handler((delivery, context) -> seen.add(delivery)))
              .start()) {
        await().atMost(LIMIT).until(() -> spans.ended.size() == 2);
      }
      SpanData producer = spans.only("enqueue prompts");
      SpanData consumer = spans.only("handle prompts");
      assertThat(producer.getKind()).isEqualTo(SpanKind.PRODUCER);
      assertThat(consumer.getKind()).isEqualTo(SpanKind.CONSUMER);
      assertThat(consumer.getTraceId()).isEqualTo(producer.getTraceId());
      assertThat(consumer.getParentSpanId()).isEqualTo(producer.getSpanId());
      Message message = seen.get(0).message();
      assertThat(message.header("traceparent"))
          .hasValue("00-" + producer.getTraceId() + "-" + producer.getSpanId() + "-01");
      assertThat(message.header("mine")).hasValue("stays");
    }
  }

  @Test
  void W7_inAListEveryMessageHasItsOwnSpan() {
    Spans spans = new Spans();
    try (SdkTracerProvider provider = SdkTracerProvider.builder().addSpanProcessor(spans).build()) {
      WorkQueue producer = MessageObservations.of(openTelemetry(provider)).producer(queue);
      List<EnqueueOutcome> outcomes =
          producer.enqueueAll(List.of(Message.text("a"), Message.text("b"))).join();
      assertThat(outcomes).allMatch(EnqueueOutcome.Enqueued.class::isInstance);
      assertThat(queue.poll(2, Duration.ZERO))
          .extracting(delivery -> delivery.message().header("traceparent").orElseThrow())
          .doesNotHaveDuplicates()
          .hasSize(2);
      assertThat(spans.ended).hasSize(2);
    }
  }

  @Test
  void W7_aMessageWithoutRoomGoesWithoutItsTrace() {
    try (SdkTracerProvider provider = SdkTracerProvider.builder().build()) {
      WorkQueue producer = MessageObservations.of(openTelemetry(provider)).producer(queue);
      Message full = Message.text("a");
      for (int i = 0; i < queue.capabilities().maxHeaders(); i++) {
        full = full.header("h" + i, "x");
      }
      producer.enqueue(full).join().orThrow();
      assertThat(queue.poll(Duration.ZERO).orElseThrow().message()).isEqualTo(full);
    }
  }

  @Test
  void W7_outcomesAndErrorsAreObserved() {
    TestObservationRegistry registry = TestObservationRegistry.create();
    MessageObservations observed = MessageObservations.of(registry);
    WorkQueue producer = observed.producer(queue);
    producer.enqueue(Message.text("fails")).join().orThrow();
    producer.enqueue(Message.text("bad").header("bad name", "x")).join();
    try (Worker worker =
        Worker.builder(queue)
            .retry(FAST)
            .deciding(
                observed.deciding(
                    (delivery, context) -> {
                      if (context.attempt() == 1) {
                        throw new IllegalStateException("made up");
                      }
                      return Outcome.ack();
                    }))
            .start()) {
      await().atMost(LIMIT).until(() -> worker.stats().handled() == 1);
    }
    TestObservationRegistryAssert.assertThat(registry)
        .hasAnObservation(
            observation ->
                observation
                    .hasNameEqualTo("forebay.enqueue")
                    .hasLowCardinalityKeyValue("queue", "prompts")
                    .hasLowCardinalityKeyValue("outcome", "Enqueued")
                    .doesNotHaveError())
        .hasAnObservation(
            observation ->
                observation
                    .hasNameEqualTo("forebay.enqueue")
                    .hasLowCardinalityKeyValue("outcome", "Failed")
                    .hasError())
        .hasAnObservation(
            observation ->
                observation
                    .hasNameEqualTo("forebay.handle")
                    .hasHighCardinalityKeyValue("attempt", "1")
                    .hasError())
        .hasAnObservation(
            observation ->
                observation
                    .hasNameEqualTo("forebay.handle")
                    .hasHighCardinalityKeyValue("attempt", "2")
                    .hasLowCardinalityKeyValue("outcome", "Ack")
                    .doesNotHaveError());
  }

  @Test
  void W7_theHandlerRunsInsideItsObservation() {
    TestObservationRegistry registry = TestObservationRegistry.create();
    MessageObservations observed = MessageObservations.of(registry);
    queue.enqueue(Message.text("a")).join().orThrow();
    List<Observation> current = new CopyOnWriteArrayList<>();
    try (Worker worker =
        Worker.builder(queue)
            .handler(
                observed.handler(
                    (delivery, context) -> current.add(registry.getCurrentObservation())))
            .start()) {
      await().atMost(LIMIT).until(() -> worker.stats().handled() == 1);
    }
    assertThat(current).hasSize(1);
    assertThat(current.get(0).getContext().getName()).isEqualTo("forebay.handle");
  }
}
