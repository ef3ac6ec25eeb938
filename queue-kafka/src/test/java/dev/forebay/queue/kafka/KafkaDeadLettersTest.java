package dev.forebay.queue.kafka;

import static dev.forebay.queue.DeadLetterFilter.all;
import static dev.forebay.queue.DeadLetterFilter.byCause;
import static dev.forebay.queue.DeadLetterFilter.byId;
import static dev.forebay.queue.kafka.KafkaRawRecords.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.RedriveOptions;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** D3 on a log: marks, other writers, what a crash leaves, retention. */
class KafkaDeadLettersTest {

  private static final Duration SOON = Duration.ofSeconds(30);

  private final EmbeddedKafka kafka = EmbeddedKafka.shared();
  private final KafkaRawRecords raw = new KafkaRawRecords(kafka);
  private final String topic = "dead-" + UUID.randomUUID();
  private final String dead = topic + ".dlq";

  /** The brokers write to topics of this prefix alone, unless they are told otherwise. */
  private final String brokersDead = "dlq." + topic;

  private final List<AutoCloseable> opened = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (int i = opened.size() - 1; i >= 0; i--) {
      opened.get(i).close();
    }
  }

  private KafkaWorkQueue open(int deadPartitions) {
    kafka.createTopic(topic, 2);
    kafka.createTopic(dead, deadPartitions);
    return open(KafkaWorkQueue.shared(kafka.clientProperties(), topic));
  }

  private KafkaWorkQueue open(KafkaShareBuilder builder) {
    KafkaWorkQueue queue = builder.withoutDelays().lease(SOON).grace(Duration.ofSeconds(2)).build();
    opened.add(queue);
    return queue;
  }

  private static void set(Admin admin, ConfigResource.Type type, String name, String... pairs)
      throws Exception {
    List<AlterConfigOp> changes = new ArrayList<>();
    for (int i = 0; i < pairs.length; i += 2) {
      changes.add(
          new AlterConfigOp(new ConfigEntry(pairs[i], pairs[i + 1]), AlterConfigOp.OpType.SET));
    }
    admin.incrementalAlterConfigs(Map.of(new ConfigResource(type, name), changes)).all().get();
  }

  /** The broker itself writes the record here, as it does for a group that says so. */
  @Test
  void D3_whatTheBrokerSetAside_isShownAndBroughtBack() throws Exception {
    kafka.createTopic(topic, 2);
    kafka.createTopic(brokersDead, 1, Map.of("errors.deadletterqueue.group.enable", "true"));
    KafkaWorkQueue queue =
        open(KafkaWorkQueue.shared(kafka.clientProperties(), topic).deadLetters(brokersDead));
    Admin admin = queue.unwrap(Admin.class);
    String group = "rejecting-" + topic;
    set(
        admin,
        ConfigResource.Type.GROUP,
        group,
        "errors.deadletterqueue.topic.name",
        brokersDead,
        "errors.deadletterqueue.copy.record.enable",
        "true");
    KafkaWorkQueue rejecting =
        open(
            KafkaWorkQueue.shared(kafka.clientProperties(), topic)
                .group(group)
                .withoutDeadLetters());
    raw.putUndecodable(topic);
    pollUntilDead(rejecting, queue, 1);
    DeadLetters.Item item = queue.deadLetters().list(all()).items().get(0);
    assertThat(item.message().text()).isEqualTo("broken");
    assertThat(item.message().headers()).isEmpty();
    assertThat(item.letter().cause().type()).isEqualTo(DeadLetterCause.MAX_RECEIVES);
    assertThat(item.letter().attempts().leaseLost()).isEqualTo(1);
    assertThat(item.letter().origin()).isEqualTo(topic);
    assertThat(item.id()).startsWith(topic + "-").endsWith("-0");
    assertThat(queue.deadLetters().redrive(all(), RedriveOptions.unlimited()).done()).isEqualTo(1);
    Delivery again = take(queue, item.id());
    assertThat(again.message().text()).isEqualTo("broken");
    // This queue's group, too, meets the record that cannot be decoded, and sets it aside itself.
    assertThat(queue.deadLetters().list(byCause(DeadLetterCause.MAX_RECEIVES)).items()).isEmpty();
  }

  /** As brokers do by default: where the record was, not what it was. */
  @Test
  void D3_whatTheBrokerDidNotCopy_isShown_andRedriveSaysWhy() {
    KafkaWorkQueue queue = open(1);
    ProducerRecord<byte[], byte[]> bare = new ProducerRecord<>(dead, null, null);
    bare.headers().add("__dlq.errors.topic", utf8(topic));
    bare.headers().add("__dlq.errors.partition", utf8("1"));
    bare.headers().add("__dlq.errors.offset", utf8("7"));
    bare.headers().add("__dlq.errors.message", utf8("too many deliveries"));
    bare.headers().add("__dlq.errors.delivery.count", utf8("5"));
    raw.put(bare);
    DeadLetters letters = queue.deadLetters();
    DeadLetters.Item item = letters.list(all()).items().get(0);
    assertThat(item.id()).isEqualTo(topic + "-1-7");
    assertThat(item.message().headers()).isEmpty();
    assertThat(item.letter().origin()).isEqualTo(topic);
    assertThat(item.letter().cause())
        .isEqualTo(new DeadLetterCause(DeadLetterCause.MAX_RECEIVES, "too many deliveries"));
    assertThat(item.letter().attempts().leaseLost()).isEqualTo(5);
    assertThat(letters.redrive(all(), RedriveOptions.unlimited()).failed())
        .isEqualTo(Map.of(ErrorCode.INVALID_MESSAGE, 1L));
    ConsumerRecord<byte[], byte[]> found =
        new ConsumerRecord<>(
            dead,
            0,
            0,
            0,
            TimestampType.CREATE_TIME,
            -1,
            -1,
            bare.key(),
            bare.value(),
            bare.headers(),
            Optional.empty());
    assertThat(DeadRecord.read(found, topic).obstacle())
        .contains(topic + "-1-7", "errors.deadletterqueue.copy.record.enable=true");
    assertThat(letters.discard(all(), RedriveOptions.unlimited()).done()).isEqualTo(1);
    assertThat(letters.list(all()).items()).isEmpty();
  }

  @Test
  void D3_whatCannotBeDecoded_isShown_cannotBeRedriven_andCanBeDiscarded() {
    KafkaWorkQueue queue = open(1);
    raw.put(new ProducerRecord<>(dead, null, null));
    raw.put(new ProducerRecord<>(dead, new byte[] {(byte) 0xff}, utf8("odd key")));
    raw.putUndecodable(dead);
    raw.put(new ProducerRecord<>(dead, utf8("k"), utf8("foreign")));
    DeadLetters letters = queue.deadLetters();
    assertThat(letters.list(all()))
        .extracting(item -> item.message().text() + " " + item.letter().cause().type())
        .containsExactlyInAnyOrder(
            " UNDECODABLE", "odd key UNDECODABLE", "broken UNDECODABLE", "foreign UNSPECIFIED");
    assertThat(letters.redrive(all(), RedriveOptions.unlimited()))
        .isEqualTo(new DeadLetters.Report(4, 1, 0, Map.of(ErrorCode.INVALID_MESSAGE, 3L), false));
    assertThat(take(queue).message()).isEqualTo(Message.text("foreign").key("k"));
    assertThat(letters.discard(byCause("UNDECODABLE"), RedriveOptions.unlimited()).done())
        .isEqualTo(3);
    assertThat(letters.summary(all()).count()).isZero();
  }

  /** What a worker's queue wrote because it could not decode it keeps cause and key. */
  @Test
  void D3_recordThatDiedUndecodable_isShownWithItsCause() {
    KafkaWorkQueue queue = open(1);
    raw.putUndecodable(topic);
    raw.put(new ProducerRecord<>(topic, utf8("k"), null));
    pollUntilDead(queue, queue, 2);
    assertThat(queue.deadLetters().list(all()))
        .allSatisfy(
            item -> {
              assertThat(item.letter().cause().type()).isEqualTo(DeadLetterCause.UNDECODABLE);
              assertThat(item.letter().origin()).isEqualTo(topic);
              assertThat(item.id()).startsWith(topic + "-");
            });
    // The first has become readable, since its broken header was put aside; the second never will.
    DeadLetters.Report report = queue.deadLetters().redrive(all(), RedriveOptions.unlimited());
    assertThat(report)
        .isEqualTo(new DeadLetters.Report(2, 1, 0, Map.of(ErrorCode.INVALID_MESSAGE, 1L), false));
    Delivery again = take(queue);
    assertThat(again.message().text()).isEqualTo("broken");
    assertThat(again.message().headers()).containsEntry("alien-forebay-attempts", "many");
    assertThat(queue.deadLetters().summary(all()).count()).isEqualTo(1);
  }

  @Test
  void D3_marks_areSeenByEverybody_andNotDeliveredToWhoPollsTheTopic() {
    KafkaWorkQueue queue = open(3);
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      ids.add(die(queue, Message.text("m-" + i).key("k-" + i), i % 3 == 0 ? "A" : "B"));
    }
    DeadLetters letters = queue.deadLetters();
    assertThat(letters.discard(byCause("A"), RedriveOptions.unlimited()).done()).isEqualTo(3);
    assertThat(letters.redrive(byId(ids.get(1)), RedriveOptions.unlimited()).done()).isEqualTo(1);
    KafkaWorkQueue other = open(KafkaWorkQueue.shared(kafka.clientProperties(), topic));
    assertThat(other.deadLetters().list(all()))
        .extracting(DeadLetters.Item::id)
        .containsExactlyInAnyOrder(ids.get(2), ids.get(4), ids.get(5), ids.get(7), ids.get(8));
    KafkaWorkQueue polled =
        open(KafkaWorkQueue.shared(kafka.clientProperties(), dead).withoutDeadLetters());
    List<String> found = new ArrayList<>();
    while (found.size() < 9) {
      Delivery delivery = take(polled);
      found.add(delivery.id());
      assertThat(delivery.ack().join()).isEqualTo(Settlement.OK);
    }
    assertThat(found).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(polled.poll(Duration.ofSeconds(1))).isEmpty();
    assertThat(polled.undecodable()).isZero();
  }

  /** Between the two steps of a redrive the process dies, as far as the broker can tell. */
  @Test
  void D3_deadLetterThatCannotBeMarked_leavesOneMoreCopy_neverNone() throws Exception {
    KafkaWorkQueue queue = open(1);
    String id = die(queue, Message.text("dies"), "Test");
    Admin admin = queue.unwrap(Admin.class);
    // From now on the topic takes nothing, not even a mark.
    set(admin, ConfigResource.Type.TOPIC, dead, "max.message.bytes", "1");
    assertThat(queue.deadLetters().redrive(all(), RedriveOptions.unlimited()))
        .isEqualTo(new DeadLetters.Report(1, 0, 0, Map.of(ErrorCode.AMBIGUOUS, 1L), true));
    set(admin, ConfigResource.Type.TOPIC, dead, "max.message.bytes", "1048588");
    assertThat(queue.deadLetters().redrive(all(), RedriveOptions.unlimited()).done()).isEqualTo(1);
    assertThat(queue.deadLetters().summary(all()).count()).isZero();
    assertThat(List.of(take(queue).id(), take(queue).id())).containsExactly(id, id);
  }

  @Test
  void D3_retention_mayTakeLettersAndMarksAtAnyTime() throws Exception {
    KafkaWorkQueue queue = open(1);
    die(queue, Message.text("gone"), "A");
    String kept = die(queue, Message.text("kept"), "B");
    DeadLetters letters = queue.deadLetters();
    assertThat(letters.discard(byCause("A"), RedriveOptions.unlimited()).done()).isEqualTo(1);
    queue
        .unwrap(Admin.class)
        .deleteRecords(Map.of(new TopicPartition(dead, 0), RecordsToDelete.beforeOffset(1)))
        .all()
        .get();
    assertThat(letters.list(all())).extracting(DeadLetters.Item::id).containsExactly(kept);
    queue
        .unwrap(Admin.class)
        .deleteRecords(Map.of(new TopicPartition(dead, 0), RecordsToDelete.beforeOffset(3)))
        .all()
        .get();
    assertThat(letters.list(all()).items()).isEmpty();
  }

  @Test
  void D3_interruptedWalk_saysThatItIsCut() throws Exception {
    KafkaWorkQueue queue = open(1);
    die(queue, Message.text("dies"), "A");
    Thread.currentThread().interrupt();
    DeadLetters.Listing listing = queue.deadLetters().list(all());
    assertThat(Thread.interrupted()).isTrue();
    assertThat(listing.cut()).isTrue();
    assertThat(queue.deadLetters().list(all()).items()).hasSize(1);
  }

  @Test
  void D3_closedQueue_isRefused() {
    KafkaWorkQueue queue = open(1);
    queue.close();
    assertThatThrownBy(() -> queue.deadLetters().list(all()))
        .isInstanceOfSatisfying(
            QueueException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLOSED));
  }

  /** What cannot be decoded is set aside while somebody polls. */
  private static void pollUntilDead(KafkaWorkQueue polled, KafkaWorkQueue letters, int count) {
    await()
        .atMost(Duration.ofSeconds(60))
        .until(
            () -> {
              assertThat(polled.poll(Duration.ofMillis(500))).isEmpty();
              return letters.deadLetters().summary(all()).count() == count;
            });
  }

  private static String die(KafkaWorkQueue queue, Message message, String cause) {
    String id = queue.enqueue(message).join().orThrow();
    assertThat(take(queue, id).deadLetter(new DeadLetterCause(cause, "")).join())
        .isEqualTo(Settlement.OK);
    return id;
  }

  private static Delivery take(KafkaWorkQueue queue, String id) {
    while (true) {
      Delivery delivery = take(queue);
      if (delivery.id().equals(id) && delivery.message().headers().isEmpty()) {
        return delivery;
      }
      delivery.ack();
    }
  }

  private static Delivery take(KafkaWorkQueue queue) {
    return queue.poll(SOON).orElseThrow();
  }
}
