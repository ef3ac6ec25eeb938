package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Message;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import dev.forebay.queue.time.SystemTimeSource;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Forwarders on a real broker, without a queue around them. */
class DelayForwarderTest {

  private final EmbeddedKafka kafka = EmbeddedKafka.shared();
  private final DelayTopic topic = DelayTopic.of("forwarded-" + UUID.randomUUID());
  private final ClientProperties properties =
      new ClientProperties(kafka.clientProperties(), topic.target());
  private final KafkaProducer<byte[], byte[]> producer =
      new KafkaProducer<>(
          kafka.clientProperties(), new ByteArraySerializer(), new ByteArraySerializer());
  private final List<DelayForwarder> forwarders = new ArrayList<>();
  private final KafkaConsumer<byte[], byte[]> reader =
      new KafkaConsumer<>(
          kafka.clientProperties(), new ByteArrayDeserializer(), new ByteArrayDeserializer());
  private final List<ConsumerRecord<byte[], byte[]>> arrived = new ArrayList<>();

  DelayForwarderTest() {
    kafka.createTopic(topic.target(), 1);
    kafka.createTopic(topic.name(), DelayClasses.COUNT);
    TopicPartition only = new TopicPartition(topic.target(), 0);
    reader.assign(List.of(only));
    reader.seekToBeginning(List.of(only));
  }

  @AfterEach
  void close() {
    forwarders.forEach(each -> each.close(Duration.ofSeconds(2)));
    producer.close();
    reader.close();
  }

  /** The answers of half of the writes never come, so they are not committed: then it dies. */
  @Test
  void D1_crashBetweenWriteAndCommit_leavesOneCopyMoreAtMost() {
    AtomicInteger confirmed = new AtomicInteger();
    DelayForwarder dying =
        start(
            record ->
                send(record)
                    .thenCompose(
                        stored ->
                            confirmed.incrementAndGet() > 10
                                ? new CompletableFuture<>()
                                : CompletableFuture.completedFuture(null)));
    for (int i = 0; i < 20; i++) {
      store("m" + i, null, Duration.ofMillis(200));
    }
    Awaitility.await().atMost(DelayRig.PATIENCE).until(() -> confirmed.get() >= 20);
    dying.close(Duration.ZERO);
    read(20);
    start(this::send);
    store("last", null, Duration.ofMillis(1));
    Awaitility.await()
        .atMost(DelayRig.PATIENCE)
        .until(
            () -> {
              poll();
              return ids().contains("last");
            });
    awaitMoved();
    poll();
    for (int i = 0; i < 20; i++) {
      String id = "m" + i;
      assertThat(ids().stream().filter(id::equals).count()).as(id).isBetween(1L, 2L);
    }
    assertThat(ids()).as("what was not committed was written again").hasSizeGreaterThan(21);
  }

  /** What others have overtaken in memory is written on when a forwarder ends in order. */
  @Test
  void S1_orderlyEnd_writesNothingTwice() {
    DelayForwarder first = start(this::send);
    List<String> all = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      // Falling delays within one class: the later ones overtake.
      all.add(store("m" + i, null, Duration.ofMillis(990 - i * 4)));
    }
    read(60);
    first.close(Duration.ofSeconds(10));
    assertThat(firstOffset()).as("what was moved on is removed at the end").isPositive();
    start(this::send);
    read(200);
    awaitMoved();
    poll();
    assertThat(ids()).containsExactlyInAnyOrderElementsOf(all);
  }

  @Test
  void K1_equalDelaysOfOneKey_keepTheirOrder() {
    start(this::send);
    start(this::send);
    List<String> all = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      all.add(store("m" + i, "key", Duration.ofMillis(3_700)));
    }
    read(100);
    assertThat(ids()).containsExactlyElementsOf(all);
  }

  /** One write fails until a message of another key has passed by; its own key waits for it. */
  @Test
  void K1_failedWrite_keepsTheOrderOfItsKey_andHoldsUpNoOtherKey() {
    CompletableFuture<Void> passed = new CompletableFuture<>();
    AtomicInteger failures = new AtomicInteger();
    List<String> all = new ArrayList<>();
    start(
        record -> {
          String id = new String(record.value(), StandardCharsets.UTF_8);
          if (id.equals("m1") && record.topic().equals(topic.target()) && !passed.isDone()) {
            failures.incrementAndGet();
            return CompletableFuture.failedFuture(new TimeoutException("no answer"));
          }
          CompletableFuture<Void> stored = send(record);
          return id.equals("other") ? stored.thenAccept(passed::complete) : stored;
        });
    for (int i = 0; i < 10; i++) {
      all.add(store("m" + i, "key", Duration.ofMillis(1_200)));
    }
    store("other", "another key", Duration.ofMillis(1_200));
    read(11);
    assertThat(failures).hasPositiveValue();
    assertThat(ids().stream().filter(id -> !id.equals("other"))).containsExactlyElementsOf(all);
    assertThat(ids().indexOf("other")).isLessThan(ids().indexOf("m1"));
  }

  /** The topic of the queue gets everything byte for byte, and no trace of the wait. */
  @Test
  void E3_content_survivesTheWay() throws Exception {
    start(this::send);
    long now = DelayRig.millis();
    Message message =
        Message.of(new byte[] {0, -1, 5, 127})
            .key("a key")
            .dedupId("dedup")
            .type("kind")
            .header("trace", "äöü 1")
            .deadline(Instant.ofEpochMilli(now + 500_000));
    Envelope sent =
        new Envelope(
            "the-id", message, Instant.ofEpochMilli(now - 77_000), new Attempts(3, 2, 1), null);
    send(topic.first(sent, new Copy(4, 77, "only-us"), now + 2_500, now)).join();
    ConsumerRecord<byte[], byte[]> record = read(1).get(0);
    RecordCodec.Decoded decoded = RecordCodec.decode(record);
    assertThat(decoded.envelope().metadata()).isEqualTo(sent.metadata());
    assertThat(decoded.envelope().message().headers()).isEqualTo(message.headers());
    assertThat(decoded.envelope().message().body()).isEqualTo(message.body());
    assertThat(decoded.copy()).isEqualTo(new Copy(4, 77, "only-us"));
    assertThat(decoded.notBefore()).isZero();
    assertThat(decoded.isForOtherThan("only-us")).isFalse();
    assertThat(decoded.isForOtherThan("others")).isTrue();
  }

  /** What does not belong there goes on at once and holds up nothing. */
  @Test
  void P5_alienRecords_blockNothing() {
    for (int index : new int[] {0, 3, DelayClasses.COUNT - 1}) {
      ProducerRecord<byte[], byte[]> broken = raw(index, "broken");
      broken.headers().add(RecordCodec.NOT_BEFORE, KafkaRawRecords.utf8("some day"));
      send(broken).join();
      send(raw(index, "foreign")).join();
      send(new ProducerRecord<>(topic.name(), index, null, (byte[]) null)).join();
    }
    start(this::send);
    store("good", null, Duration.ofMillis(1_200));
    read(10);
    assertThat(ids()).contains("good");
    assertThat(
            arrived.stream()
                .filter(each -> each.headers().lastHeader(RecordCodec.NOT_BEFORE) != null)
                .count())
        .as("stay recognisable as undecodable")
        .isEqualTo(3);
  }

  private ProducerRecord<byte[], byte[]> raw(int index, String body) {
    return new ProducerRecord<>(topic.name(), index, null, KafkaRawRecords.utf8(body));
  }

  private DelayForwarder start(
      Function<ProducerRecord<byte[], byte[]>, CompletableFuture<Void>> sender) {
    String clientId = "forwarder-" + forwarders.size();
    DelayForwarder forwarder =
        new DelayForwarder(
            topic,
            () -> new KafkaConsumer<>(properties.delays(topic.group(), clientId)),
            sender,
            kafka.admin(),
            SystemTimeSource.get());
    forwarders.add(forwarder);
    forwarder.start();
    return forwarder;
  }

  private CompletableFuture<Void> send(ProducerRecord<byte[], byte[]> record) {
    CompletableFuture<Void> stored = new CompletableFuture<>();
    producer.send(
        record,
        (metadata, error) -> {
          if (error == null) {
            stored.complete(null);
          } else {
            stored.completeExceptionally(error);
          }
        });
    return stored;
  }

  private String store(String id, @Nullable String key, Duration delay) {
    Instant now = SystemTimeSource.get().now();
    Envelope envelope = Envelope.fresh(id, Message.text(id).key(key), now);
    send(topic.first(envelope, Copy.NONE, DelayTopic.notBefore(now, delay), now.toEpochMilli()))
        .orTimeout(60, TimeUnit.SECONDS)
        .join();
    return id;
  }

  private void poll() {
    reader.poll(Duration.ofMillis(100)).forEach(arrived::add);
  }

  private List<ConsumerRecord<byte[], byte[]>> read(int count) {
    Awaitility.await("records of " + topic.target())
        .atMost(DelayRig.PATIENCE)
        .until(
            () -> {
              poll();
              return arrived.size() >= count;
            });
    return arrived;
  }

  private long firstOffset() {
    TopicPartition partition = new TopicPartition(topic.name(), 0);
    long[] first = new long[1];
    Awaitility.await()
        .atMost(DelayRig.PATIENCE)
        .until(
            () -> {
              first[0] = reader.beginningOffsets(List.of(partition)).getOrDefault(partition, 0L);
              return first[0] > 0;
            });
    return first[0];
  }

  private void awaitMoved() {
    try (BrokerAdmin admin = new BrokerAdmin(properties, Duration.ofSeconds(30))) {
      Awaitility.await("nothing waits")
          .atMost(DelayRig.PATIENCE)
          .until(() -> QueueTopics.waiting(admin, topic) == 0);
    }
  }

  private List<String> ids() {
    List<String> ids = new ArrayList<>();
    for (ConsumerRecord<byte[], byte[]> each : arrived) {
      try {
        ids.add(RecordCodec.decode(each).envelope().id());
      } catch (RecordCodec.UndecodableException e) {
        ids.add("undecodable");
      }
    }
    return ids;
  }
}
