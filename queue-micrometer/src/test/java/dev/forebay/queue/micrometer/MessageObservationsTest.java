package dev.forebay.queue.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Codec;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.worker.BatchHandler;
import dev.forebay.queue.worker.BatchItem;
import dev.forebay.queue.worker.BatchOptions;
import dev.forebay.queue.worker.Outcome;
import dev.forebay.queue.worker.Worker;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.tck.TestObservationRegistry;
import io.micrometer.observation.tck.TestObservationRegistryAssert;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** Traces follow messages (W7). */
class MessageObservationsTest {

  private static final Duration LIMIT = Duration.ofSeconds(30);

  private static final RetryPolicy FAST =
      RetryPolicy.exponential(Duration.ofMillis(1), Duration.ofMillis(1)).maxAttempts(2);

  private final WorkQueue queue = InMemoryWorkQueue.builder("prompts").build();

  /** Decodes to capital letters. */
  private static final class UpperCase implements Codec<String> {
    @Override
    public byte[] encode(String value) {
      return value.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String decode(Message message) {
      return message.text().toUpperCase(Locale.ROOT);
    }
  }

  @Test
  void W7_theHandlersSpanContinuesTheProducersTrace() {
    TestTracing.Spans spans = new TestTracing.Spans();
    try (SdkTracerProvider provider = SdkTracerProvider.builder().addSpanProcessor(spans).build()) {
      MessageObservations observed = MessageObservations.of(TestTracing.plain(provider));
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
  void W7_aHandlerOfDecodedValuesContinuesTheProducersTrace() {
    TestTracing.Spans spans = new TestTracing.Spans();
    try (SdkTracerProvider provider = SdkTracerProvider.builder().addSpanProcessor(spans).build()) {
      MessageObservations observed = MessageObservations.of(TestTracing.plain(provider));
      Codec<String> upper = new UpperCase();
      List<String> seen = new CopyOnWriteArrayList<>();
      observed.producer(queue).enqueue(Message.text("a")).join().orThrow();
      try (Worker unused =
          Worker.builder(queue)
              .handler(upper, observed.handler((text, context) -> seen.add(text)))
              .start()) {
        await().atMost(LIMIT).until(() -> spans.ended.size() == 2);
      }
      assertThat(seen).containsExactly("A");
      assertThat(spans.only("handle prompts").getParentSpanId())
          .isEqualTo(spans.only("enqueue prompts").getSpanId());
    }
  }

  @Test
  void W7_eachMessageOfABatchContinuesItsProducersTrace() {
    TestTracing.Spans spans = new TestTracing.Spans();
    try (SdkTracerProvider provider = SdkTracerProvider.builder().addSpanProcessor(spans).build()) {
      ObservationRegistry registry = TestTracing.plain(provider);
      MessageObservations observed = MessageObservations.of(registry);
      WorkQueue producer = observed.producer(queue);
      for (String text : List.of("a", "b", "c")) {
        producer.enqueue(Message.text(text)).join().orThrow();
      }
      List<String> current = new CopyOnWriteArrayList<>();
      BatchHandler<Delivery> handler =
          items ->
              current.add(
                  Objects.requireNonNull(registry.getCurrentObservation()).getContext().getName());
      try (Worker unused =
          Worker.builder(queue)
              .batches(BatchOptions.of(3).linger(Duration.ofHours(1)), observed.batches(handler))
              .start()) {
        await().atMost(LIMIT).until(() -> spans.ended.size() == 7);
      }
      assertThat(current).containsExactly("forebay.handle.batch");
      assertThat(spans.all("handle prompts"))
          .hasSize(3)
          .allMatch(span -> span.getKind() == SpanKind.CONSUMER)
          .extracting(SpanData::getTraceId, SpanData::getParentSpanId)
          .containsExactlyInAnyOrderElementsOf(
              spans.all("enqueue prompts").stream()
                  .map(span -> tuple(span.getTraceId(), span.getSpanId()))
                  .toList());
      assertThat(spans.all("handle batch prompts")).hasSize(1);
    }
  }

  @Test
  void W7_messagesOfABatchHaveOutcomesOfTheirOwn() {
    TestObservationRegistry registry = TestObservationRegistry.create();
    MessageObservations observed = MessageObservations.of(registry);
    for (String text : List.of("good", "bad", "later")) {
      queue.enqueue(Message.text(text)).join().orThrow();
    }
    BatchHandler<Delivery> handler =
        items -> {
          for (BatchItem<Delivery> item : items) {
            switch (item.value().message().text()) {
              case "bad" -> item.fail(new IllegalStateException("made up"));
              case "later" -> item.decide(Outcome.giveBack());
              default -> {}
            }
          }
        };
    try (Worker worker =
        Worker.builder(queue)
            .retry(RetryPolicy.exponential(LIMIT, LIMIT))
            .batches(BatchOptions.of(3).linger(Duration.ofHours(1)), observed.batches(handler))
            .start()) {
      await().atMost(LIMIT).until(() -> worker.stats().handled() == 1);
      await().atMost(LIMIT).until(() -> worker.stats().failed() == 1);
    }
    TestObservationRegistryAssert.assertThat(registry)
        .hasNumberOfObservationsWithNameEqualTo("forebay.handle", 3)
        .hasAnObservation(
            observation ->
                observation
                    .hasNameEqualTo("forebay.handle.batch")
                    .hasHighCardinalityKeyValue("messages", "3")
                    .hasLowCardinalityKeyValue("outcome", "Returned")
                    .doesNotHaveError())
        .hasAnObservation(
            observation ->
                observation
                    .hasNameEqualTo("forebay.handle")
                    .hasLowCardinalityKeyValue("outcome", "Ack")
                    .doesNotHaveError())
        .hasAnObservation(
            observation ->
                observation
                    .hasNameEqualTo("forebay.handle")
                    .hasLowCardinalityKeyValue("outcome", "GiveBack")
                    .doesNotHaveError())
        .hasAnObservation(
            observation ->
                observation
                    .hasNameEqualTo("forebay.handle")
                    .hasLowCardinalityKeyValue("outcome", "Thrown")
                    .hasError());
  }

  @Test
  void W7_aBatchThatThrowsIsObservedAgainInHalves() {
    TestObservationRegistry registry = TestObservationRegistry.create();
    MessageObservations observed = MessageObservations.of(registry);
    queue.enqueue(Message.text("a")).join().orThrow();
    queue.enqueue(Message.text("b")).join().orThrow();
    BatchHandler<Delivery> handler =
        items -> {
          if (items.size() > 1) {
            throw new IllegalStateException("made up");
          }
        };
    try (Worker worker =
        Worker.builder(queue)
            .batches(BatchOptions.of(2).linger(Duration.ofHours(1)), observed.batches(handler))
            .start()) {
      await().atMost(LIMIT).until(() -> worker.stats().handled() == 2);
    }
    TestObservationRegistryAssert.assertThat(registry)
        .hasNumberOfObservationsWithNameEqualTo("forebay.handle.batch", 3)
        .hasNumberOfObservationsWithNameEqualTo("forebay.handle", 4);
  }

  @Test
  void W7_inAListEveryMessageHasItsOwnSpan() {
    TestTracing.Spans spans = new TestTracing.Spans();
    try (SdkTracerProvider provider = SdkTracerProvider.builder().addSpanProcessor(spans).build()) {
      WorkQueue producer = MessageObservations.of(TestTracing.plain(provider)).producer(queue);
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
      WorkQueue producer = MessageObservations.of(TestTracing.plain(provider)).producer(queue);
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
