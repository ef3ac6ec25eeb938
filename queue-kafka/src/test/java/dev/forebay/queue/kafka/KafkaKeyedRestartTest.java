package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** What a group's offsets and their metadata carry from one member to the next. */
class KafkaKeyedRestartTest {

  private static final Duration LONG = Duration.ofSeconds(60);

  private final EmbeddedKafka kafka = EmbeddedKafka.shared();

  private KafkaKeyedBuilder builder(String topic) {
    kafka.createTopic(topic, 1);
    return KafkaWorkQueue.keyed(kafka.clientProperties(), topic)
        .withoutDelays()
        .withoutDeadLetters()
        .group(topic)
        .grace(Duration.ZERO);
  }

  private static void enqueue(KafkaWorkQueue queue, int count) {
    List<Message> messages = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      messages.add(Message.text("m" + i));
    }
    queue.enqueueAll(messages).join().forEach(outcome -> outcome.orThrow());
  }

  private static Map<String, Delivery> take(KafkaWorkQueue queue, int count) {
    Map<String, Delivery> taken = new HashMap<>();
    Awaitility.await()
        .atMost(LONG)
        .until(
            () -> {
              queue
                  .poll(1000, Duration.ofMillis(500))
                  .forEach(delivery -> taken.put(delivery.message().text(), delivery));
              return taken.size() >= count;
            });
    return taken;
  }

  private static void ackAll(Iterable<Delivery> deliveries) {
    List<CompletableFuture<Settlement>> acks = new ArrayList<>();
    deliveries.forEach(delivery -> acks.add(delivery.ack()));
    acks.forEach(ack -> assertThat(ack.join()).isEqualTo(Settlement.OK));
  }

  private OffsetAndMetadata committed(String topic) throws Exception {
    return kafka
        .admin()
        .listConsumerGroupOffsets(topic)
        .partitionsToOffsetAndMetadata()
        .get(30, TimeUnit.SECONDS)
        .get(new TopicPartition(topic, 0));
  }

  private void awaitCommitted(String topic, long offset) {
    Awaitility.await()
        .atMost(LONG)
        .untilAsserted(() -> assertThat(committed(topic).offset()).isEqualTo(offset));
  }

  @Test
  void C3_resolvedBeyondTheCommittedOffset_isNotDeliveredAgain() {
    String topic = "keyed-restart";
    Set<String> open = new HashSet<>();
    try (KafkaWorkQueue queue = builder(topic).build()) {
      enqueue(queue, 600);
      Map<String, Delivery> held = take(queue, 600);
      Random random = new Random(17);
      List<Delivery> done = new ArrayList<>();
      held.forEach(
          (text, delivery) -> {
            if (text.equals("m0") || random.nextInt(4) == 0) {
              open.add(text);
            } else {
              done.add(delivery);
            }
          });
      ackAll(done);
    }
    try (KafkaWorkQueue queue = builder(topic).build()) {
      Map<String, Delivery> again = take(queue, open.size());
      assertThat(again.keySet()).isEqualTo(open);
      assertThat(again.values())
          .as("in a hand that went away: a lost lease")
          .allMatch(delivery -> delivery.attempts().equals(new Attempts(0, 1, 0)));
      ackAll(again.values());
      assertThat(queue.poll(10, Duration.ofMillis(500))).isEmpty();
      assertThat(queue.unwrap(KafkaKeyedStats.class).skippedAsResolved())
          .isEqualTo(600 - open.size());
    }
    awaitCommitted(topic, 600);
  }

  @Test
  void R2_attemptsByCauseAndDelays_outliveTheMember() {
    String topic = "keyed-retries";
    Instant notBefore;
    long token;
    try (KafkaWorkQueue queue = builder(topic).build()) {
      enqueue(queue, 3);
      Map<String, Delivery> held = take(queue, 3);
      assertThat(held.get("m0").release(Duration.ofSeconds(5)).join()).isEqualTo(Settlement.OK);
      notBefore = Instant.now().plusSeconds(4);
      token = held.get("m1").fencingToken();
      assertThat(held.get("m1").giveBack().join()).isEqualTo(Settlement.OK);
      assertThat(held.get("m2").release().join()).isEqualTo(Settlement.OK);
    }
    try (KafkaWorkQueue queue = builder(topic).build()) {
      Map<String, Delivery> early = take(queue, 2);
      assertThat(early).containsOnlyKeys("m1", "m2");
      assertThat(early.get("m1").attempts()).isEqualTo(new Attempts(0, 0, 1));
      assertThat(early.get("m1").fencingToken()).isGreaterThan(token);
      assertThat(early.get("m2").attempts()).isEqualTo(new Attempts(1, 0, 0));
      Map<String, Delivery> late = take(queue, 1);
      assertThat(late).containsOnlyKeys("m0");
      assertThat(Instant.now()).isAfter(notBefore);
      assertThat(late.get("m0").attempts()).isEqualTo(new Attempts(1, 0, 0));
      ackAll(early.values());
      ackAll(late.values());
    }
    awaitCommitted(topic, 3);
  }

  @Test
  void C8_unreadableMetadata_isReplayed() throws Exception {
    String topic = "keyed-unreadable";
    try (KafkaWorkQueue queue = builder(topic).build()) {
      enqueue(queue, 20);
      Map<String, Delivery> held = take(queue, 20);
      held.remove("m0");
      ackAll(held.values());
    }
    OffsetAndMetadata before = committed(topic);
    assertThat(before.offset()).isZero();
    assertThat(KeyedMetadata.decode(before.metadata(), 0)).isNotNull();
    kafka
        .admin()
        .alterConsumerGroupOffsets(
            topic,
            Map.of(
                new TopicPartition(topic, 0),
                new OffsetAndMetadata(0, before.metadata().replace('A', 'B'))))
        .all()
        .get(30, TimeUnit.SECONDS);
    try (KafkaWorkQueue queue = builder(topic).build()) {
      Map<String, Delivery> again = take(queue, 20);
      assertThat(again).hasSize(20);
      assertThat(queue.unwrap(KafkaKeyedStats.class).unreadableMetadata()).isEqualTo(1);
      ackAll(again.values());
    }
    awaitCommitted(topic, 20);
  }

  @Test
  void C5_transactionMarkersAndAbortedRecords_doNotStallTheCommit() throws Exception {
    String topic = "keyed-transactions";
    kafka.createTopic(topic, 1);
    Map<String, Object> properties = kafka.clientProperties();
    properties.put("transactional.id", topic);
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
      producer.initTransactions();
      for (int round = 0; round < 6; round++) {
        producer.beginTransaction();
        for (int i = 0; i < 5; i++) {
          byte[] body = (round + "/" + i).getBytes(StandardCharsets.UTF_8);
          producer.send(new ProducerRecord<>(topic, body)).get(30, TimeUnit.SECONDS);
        }
        if (round % 2 == 0) {
          producer.commitTransaction();
        } else {
          producer.abortTransaction();
        }
      }
    }
    Map<String, Object> readCommitted = kafka.clientProperties();
    readCommitted.put("isolation.level", "read_committed");
    try (KafkaWorkQueue queue =
        KafkaWorkQueue.keyed(readCommitted, topic)
            .withoutDelays()
            .withoutDeadLetters()
            .group(topic)
            .build()) {
      Map<String, Delivery> taken = take(queue, 15);
      assertThat(taken.keySet()).allMatch(text -> (text.charAt(0) - '0') % 2 == 0).hasSize(15);
      ackAll(taken.values());
      // Six times five records and a marker.
      awaitCommitted(topic, 36);
      assertThat(queue.depth().backlog()).isZero();
    }
  }

  @Test
  void C5_recordsDeletedMeanwhile_areSkipped() throws Exception {
    String topic = "keyed-deleted";
    try (KafkaWorkQueue queue = builder(topic).build()) {
      enqueue(queue, 10);
      ackAll(List.of(take(queue, 10).get("m0")));
    }
    kafka
        .admin()
        .deleteRecords(Map.of(new TopicPartition(topic, 0), RecordsToDelete.beforeOffset(7)))
        .all()
        .get(30, TimeUnit.SECONDS);
    try (KafkaWorkQueue queue = builder(topic).build()) {
      Map<String, Delivery> left = take(queue, 3);
      assertThat(left).containsOnlyKeys("m7", "m8", "m9");
      ackAll(left.values());
    }
    awaitCommitted(topic, 10);
  }

  /** As after an unclean election: the group had got further than the log that is left. */
  @Test
  void I1_committedOffsetBeyondTheLog_skipsNoNewRecord() throws Exception {
    String topic = "keyed-cut";
    try (KafkaWorkQueue queue = builder(topic).build()) {
      enqueue(queue, 2);
      ackAll(take(queue, 2).values());
    }
    kafka
        .admin()
        .alterConsumerGroupOffsets(
            topic, Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(1_000)))
        .all()
        .get(30, TimeUnit.SECONDS);
    try (KafkaWorkQueue queue = builder(topic).build()) {
      queue.enqueue(Message.text("new")).join().orThrow();
      Map<String, Delivery> taken = take(queue, 3);
      assertThat(taken).containsOnlyKeys("m0", "m1", "new");
      assertThat(queue.unwrap(KafkaKeyedStats.class).truncations()).isEqualTo(1);
      ackAll(taken.values());
    }
    awaitCommitted(topic, 3);
  }

  @Test
  void C8_metadataNearlyFull_stopsIntakeUntilThereIsRoom() throws Exception {
    String topic = "keyed-ceiling";
    int count = 40_000;
    try (KafkaWorkQueue queue = builder(topic).maxInFlight(60_000).build()) {
      enqueue(queue, count);
      Map<String, Delivery> held = new HashMap<>();
      Random random = new Random(23);
      List<CompletableFuture<Settlement>> acks = new ArrayList<>();
      // Every other one at random stays open: the worst mixture there is.
      Awaitility.await()
          .atMost(LONG)
          .until(
              () -> {
                for (Delivery delivery : queue.poll(1000, Duration.ofMillis(200))) {
                  if (held.isEmpty() || random.nextBoolean()) {
                    held.put(delivery.message().text(), delivery);
                  } else {
                    acks.add(delivery.ack());
                  }
                }
                return queue.unwrap(KafkaKeyedStats.class).ceilingStops() > 0;
              });
      assertThat(committed(topic).metadata().length()).isLessThanOrEqualTo(KeyedMetadata.MAX_CHARS);
      held.values().forEach(delivery -> acks.add(delivery.ack()));
      Awaitility.await()
          .atMost(LONG)
          .until(
              () -> {
                queue
                    .poll(1000, Duration.ofMillis(200))
                    .forEach(delivery -> acks.add(delivery.ack()));
                return acks.size() >= count;
              });
      acks.forEach(ack -> assertThat(ack.join()).isEqualTo(Settlement.OK));
      assertThat(acks).hasSize(count);
    }
    awaitCommitted(topic, count);
  }

  @Test
  void K1_longDelayOfOneKey_holdsUpNoOtherThroughARestart() {
    String topic = "keyed-delay-restart";
    try (KafkaWorkQueue queue = builder(topic).build()) {
      queue.enqueue(Message.text("slow").key("a")).join().orThrow();
      queue.enqueue(Message.text("behind").key("a")).join().orThrow();
      queue.enqueue(Message.text("other").key("b")).join().orThrow();
      Map<String, Delivery> heads = take(queue, 2);
      assertThat(heads).containsOnlyKeys("slow", "other");
      assertThat(heads.get("slow").release(Duration.ofSeconds(4)).join()).isEqualTo(Settlement.OK);
      ackAll(List.of(heads.get("other")));
    }
    try (KafkaWorkQueue queue = builder(topic).build()) {
      queue.enqueue(Message.text("third").key("b")).join().orThrow();
      List<String> order = new ArrayList<>();
      while (order.size() < 3) {
        for (Delivery delivery : queue.poll(10, LONG)) {
          order.add(delivery.message().text());
          ackAll(List.of(delivery));
        }
      }
      assertThat(order).containsExactly("third", "slow", "behind");
    }
  }

  /** A static member comes back under its name, in a generation of the group that is the same. */
  @Test
  void L5_staticMemberThatRestarts_countsOnWithItsTokens() {
    String topic = "keyed-static";
    long token = 0;
    for (int run = 0; run < 3; run++) {
      try (KafkaWorkQueue queue = builder(topic).groupInstanceId("worker-1").build()) {
        if (run == 0) {
          enqueue(queue, 1);
        }
        Delivery delivery = take(queue, 1).get("m0");
        assertThat(delivery.attempts()).isEqualTo(new Attempts(0, run, 0));
        assertThat(delivery.fencingToken()).isGreaterThan(token);
        token = delivery.fencingToken();
      }
    }
  }
}
