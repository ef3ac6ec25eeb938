package dev.forebay.queue.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.worker.BatchHandler;
import dev.forebay.queue.worker.BatchOptions;
import dev.forebay.queue.worker.Worker;
import io.micrometer.observation.ObservationRegistry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.LinkData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** The span of a batch has links to its messages' producers (W7). */
class BatchLinksTest {

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String BATCH = "handle batch prompts";

  private final WorkQueue queue = InMemoryWorkQueue.builder("prompts").build();
  private final TestTracing.Spans spans = new TestTracing.Spans();

  private Worker worker(ObservationRegistry registry, int size, BatchHandler<Delivery> handler) {
    return Worker.builder(queue)
        .batches(
            BatchOptions.of(size).linger(Duration.ofHours(1)),
            MessageObservations.of(registry).batches(handler))
        .start();
  }

  private void enqueue(ObservationRegistry registry, String... texts) {
    WorkQueue producer = MessageObservations.of(registry).producer(queue);
    for (String text : texts) {
      producer.enqueue(Message.text(text)).join().orThrow();
    }
  }

  private static List<String> linked(SpanData span) {
    return span.getLinks().stream().map(LinkData::getSpanContext).map(BatchLinksTest::id).toList();
  }

  private static String id(SpanContext context) {
    return context.getTraceId() + "/" + context.getSpanId() + "/" + context.isSampled();
  }

  private List<String> producers() {
    return spans.all("enqueue prompts").stream()
        .map(SpanData::getSpanContext)
        .map(BatchLinksTest::id)
        .toList();
  }

  @Test
  void W7_theSpanOfABatchLinksToAllProducers() {
    try (SdkTracerProvider provider = SdkTracerProvider.builder().addSpanProcessor(spans).build()) {
      ObservationRegistry registry = TestTracing.linking(provider);
      enqueue(registry, "a", "b", "c");
      queue.enqueue(Message.text("of a producer without traces")).join().orThrow();
      List<String> current = new CopyOnWriteArrayList<>();
      try (Worker unused =
          worker(registry, 4, items -> current.add(id(Span.current().getSpanContext())))) {
        await().atMost(LIMIT).until(() -> spans.ended.size() == 3 + 4 + 1);
      }
      SpanData batch = spans.only(BATCH);
      assertThat(linked(batch)).isEqualTo(producers()).hasSize(3).doesNotHaveDuplicates();
      assertThat(current).as("the handler runs in it").containsExactly(id(batch.getSpanContext()));
      assertThat(batch.getAttributes().asMap().values()).contains("prompts", "Returned", "4");
      assertThat(spans.all("handle prompts"))
          .as("as without links")
          .hasSize(4)
          .allMatch(span -> span.getLinks().isEmpty());
    }
  }

  @Test
  void W7_aBatchThatIsRunAgainInHalvesLinksToItsOwnMessages() {
    try (SdkTracerProvider provider = SdkTracerProvider.builder().addSpanProcessor(spans).build()) {
      ObservationRegistry registry = TestTracing.linking(provider);
      enqueue(registry, "a", "b");
      BatchHandler<Delivery> handler =
          items -> {
            if (items.size() > 1) {
              throw new IllegalStateException("made up");
            }
          };
      try (Worker unused = worker(registry, 2, handler)) {
        await().atMost(LIMIT).until(() -> spans.all(BATCH).size() == 3);
      }
      List<String> producers = producers();
      assertThat(spans.all(BATCH))
          .extracting(BatchLinksTest::linked)
          .containsExactly(producers, producers.subList(0, 1), producers.subList(1, 2));
      assertThat(spans.only(BATCH).getEvents()).as("its exception").hasSize(1);
    }
  }

  @Test
  void W7_whatIsNotSampledIsHandledAllTheSame() {
    try (SdkTracerProvider provider =
        SdkTracerProvider.builder()
            .addSpanProcessor(spans)
            .setSampler(Sampler.alwaysOff())
            .build()) {
      ObservationRegistry registry = TestTracing.linking(provider);
      enqueue(registry, "a", "b");
      try (Worker worker = worker(registry, 2, items -> {})) {
        await().atMost(LIMIT).until(() -> worker.stats().handled() == 2);
      }
      assertThat(spans.ended).isEmpty();
    }
  }
}
