package dev.forebay.queue.kafka;

import static dev.forebay.queue.kafka.KafkaRawRecords.utf8;
import static dev.forebay.queue.kafka.ShareRig.SOON;
import static dev.forebay.queue.kafka.ShareRig.fill;
import static dev.forebay.queue.kafka.ShareRig.take;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** The traps of share groups that the contract's tests cannot set, one by one. */
@Execution(ExecutionMode.CONCURRENT)
class ShareTrapsTest {

  private static final Duration LEASE = Duration.ofSeconds(30);

  private final ShareRig rig = ShareRig.withPartitions(1);

  @AfterEach
  void close() throws Exception {
    rig.close();
  }

  private static void ack(List<Delivery> deliveries) {
    for (Delivery each : deliveries) {
      assertThat(each.ack().join()).isEqualTo(Settlement.OK);
    }
  }

  private static Set<Lane> lanes(List<Delivery> deliveries) {
    return deliveries.stream()
        .map(each -> ((ShareDelivery) each).held().lane)
        .collect(Collectors.toSet());
  }

  @Test
  void newGroup_startsAtTheBeginning_evenWhereTheBrokerDoesNotKnowItsSettingYet() {
    // As on a broker that is slow to learn of it: the group has no setting of its own at all.
    rig.put(new ProducerRecord<>(rig.topic, 0, null, utf8("before the group")));
    try (BrokerAdmin admin =
        new BrokerAdmin(new ClientProperties(rig.kafka.clientProperties(), rig.topic), SOON)) {
      new ShareAdmin(admin).startAtTheBeginning(rig.group, rig.topic);
    }
    KafkaShareConsumer<byte[], byte[]> member = rig.rawMember("member");
    List<String> read = new ArrayList<>();
    await()
        .atMost(SOON)
        .until(
            () -> {
              member
                  .poll(Duration.ofMillis(500))
                  .forEach(record -> read.add(new String(record.value(), UTF_8)));
              return !read.isEmpty();
            });
    assertThat(read).containsExactly("before the group");
  }

  @Test
  void openingAgain_leavesTheGroupWhereItIs() throws Exception {
    KafkaWorkQueue queue = rig.queue(LEASE);
    fill(queue, 2);
    ack(take(queue, 2));
    queue.close();
    KafkaWorkQueue again = rig.queue(LEASE);
    fill(again, 1);
    List<Delivery> taken = take(again, 1);
    assertThat(taken.get(0).attempt()).isEqualTo(1);
    ack(taken);
    assertThat(again.poll(Duration.ofSeconds(1))).isEmpty();
    assertThat(again.depth().backlog()).isZero();
  }

  @Test
  void slowRecord_holdsUpNeitherItsNeighboursNorTheRestOfThePartition() throws Exception {
    KafkaWorkQueue queue = rig.queue(LEASE);
    fill(queue, 24);
    List<Delivery> first = take(queue, 8);
    assertThat(lanes(first)).as("lanes of these eight").hasSizeLessThan(8);
    Lane shared = ((ShareDelivery) first.get(0)).held().lane;
    Delivery slow =
        first.stream()
            .filter(each -> ((ShareDelivery) each).held().lane == shared)
            .findFirst()
            .orElseThrow();
    ack(first.stream().filter(each -> each != slow).toList());
    ack(take(queue, 8));
    ack(take(queue, 8));
    assertThat(slow.isLost()).isFalse();
    assertThat(slow.ack().join()).isEqualTo(Settlement.OK);
  }

  @Test
  void lanes_openByDemand_andLeaveTheGroupWhenNobodyPolls() throws Exception {
    KafkaWorkQueue queue = rig.queue(LEASE);
    fill(queue, 6);
    assertThat(rig.members()).isEmpty();
    List<Delivery> held = new ArrayList<>(take(queue, 1));
    assertThat(rig.members()).hasSize(1);
    for (int i = 1; i < 6; i++) {
      held.addAll(take(queue, 1));
    }
    assertThat(lanes(held)).as("one slow record a lane").hasSize(6);
    assertThat(rig.members()).hasSizeBetween(6, 8);
    ack(held);
    await().atMost(SOON).until(() -> rig.members().isEmpty());
    fill(queue, 1);
    ack(take(queue, 1));
  }

  @Test
  void lanes_areNeverMoreThanAllowed_andReleasedDelaysDoNotExhaustThem() throws Exception {
    KafkaWorkQueue queue = rig.open(rig.builder(LEASE).maxLanes(8).build());
    fill(queue, 24);
    for (Delivery each : take(queue, 12)) {
      assertThat(each.release(Duration.ofSeconds(20)).join()).isEqualTo(Settlement.OK);
    }
    ack(take(queue, 12));
    assertThat(rig.members().size()).isLessThanOrEqualTo(8);
  }

  @Test
  void attempts_countOnBeyondTheBrokersLimit_andNothingOfTheMessageIsLost() throws Exception {
    KafkaWorkQueue queue = rig.queue(LEASE);
    byte[] body = {0, 1, (byte) 0xFF};
    Message message = Message.of(body).key("k").header("trace", "00-abc").type("render");
    String id = queue.enqueue(message).get(30, TimeUnit.SECONDS).orThrow();
    long token = 0;
    for (int attempt = 1; attempt <= 25; attempt++) {
      Delivery delivery = take(queue);
      assertThat(delivery.id()).isEqualTo(id);
      assertThat(delivery.attempt()).isEqualTo(attempt);
      assertThat(delivery.attempts()).isEqualTo(new Attempts(attempt - 1, 0, 0));
      assertThat(delivery.message()).isEqualTo(message);
      assertThat(delivery.fencingToken()).isGreaterThan(token);
      token = delivery.fencingToken();
      assertThat(delivery.release(Duration.ZERO).join()).isEqualTo(Settlement.OK);
    }
    ack(take(queue, 1));
    assertThat(queue.poll(1, Duration.ofSeconds(2))).isEmpty();
  }

  @Test
  void releaseDelayLongerThanTheLock_isHeldByRenewal_andNeverEarly() throws Exception {
    Duration lock = Duration.ofSeconds(3);
    Duration delay = Duration.ofSeconds(8);
    KafkaWorkQueue queue = rig.queue(lock);
    KafkaWorkQueue other = rig.queue(lock);
    fill(queue, 1);
    Delivery delivery = take(queue);
    long released = System.nanoTime();
    assertThat(delivery.release(delay).join()).isEqualTo(Settlement.OK);
    List<Delivery> back = new ArrayList<>();
    while (back.isEmpty()) {
      back.addAll(other.poll(1, Duration.ofMillis(500)));
      if (back.isEmpty()) {
        back.addAll(queue.poll(1, Duration.ofMillis(500)));
      }
    }
    assertThat(System.nanoTime() - released).isGreaterThanOrEqualTo(delay.toNanos());
    assertThat(back.get(0).id()).isEqualTo(delivery.id());
    assertThat(back.get(0).attempt()).isEqualTo(2);
    ack(back);
  }

  @Test
  void undecodableRecord_isDeadLetteredAsItIs_counted_andBlocksNothing() throws Exception {
    KafkaWorkQueue queue = rig.queue(LEASE);
    ProducerRecord<byte[], byte[]> broken =
        new ProducerRecord<>(rig.topic, new byte[] {1, (byte) 0x80}, utf8("body"));
    broken.headers().add("h", new byte[] {(byte) 0xFE});
    rig.put(broken);
    rig.put(new ProducerRecord<>(rig.topic, utf8("fine")));
    Delivery fine = take(queue);
    assertThat(fine.message().text()).isEqualTo("fine");
    ack(List.of(fine));
    ConsumerRecord<byte[], byte[]> dead = rig.records(rig.deadLetters, 1).get(0);
    assertThat(dead.key()).isEqualTo(broken.key());
    assertThat(dead.value()).isEqualTo(broken.value());
    assertThat(dead.headers().lastHeader("h").value()).isEqualTo(new byte[] {(byte) 0xFE});
    assertThat(dead.headers().lastHeader("forebay-cause").value())
        .isEqualTo(utf8(DeadLetterCause.UNDECODABLE));
    assertThat(queue.undecodable()).isEqualTo(1);
    await().atMost(SOON).until(() -> queue.depth().visible().orElse(-1) == 0);
  }

  @Test
  void undecodableRecord_withoutDeadLetters_isSkipped_andCounted() throws Exception {
    KafkaWorkQueue queue = rig.open(rig.builder(LEASE).withoutDeadLetters().build());
    rig.put(new ProducerRecord<>(rig.topic, new byte[] {(byte) 0x80}, utf8("body")));
    rig.put(new ProducerRecord<>(rig.topic, utf8("fine")));
    ack(take(queue, 1));
    assertThat(queue.undecodable()).isEqualTo(1);
    await().atMost(SOON).until(() -> queue.depth().visible().orElse(-1) == 0);
  }

  @Test
  void deadLetterThatCannotBeWritten_leavesTheMessageInItsPlace() throws Exception {
    KafkaWorkQueue queue = rig.queue(LEASE);
    Message message = Message.text("x".repeat(4_000)).header("h", "v");
    queue.enqueue(message).get(30, TimeUnit.SECONDS).orThrow();
    Delivery delivery = take(queue);
    limitDeadLetters("200");
    DeadLetterCause cause = new DeadLetterCause("Boom", "it broke");
    assertThat(delivery.deadLetter(cause).join()).isEqualTo(Settlement.UNKNOWN);
    assertThat(delivery.isLost()).isFalse();
    limitDeadLetters("1048588");
    assertThat(delivery.deadLetter(cause).join()).isEqualTo(Settlement.OK);
    ConsumerRecord<byte[], byte[]> dead = rig.records(rig.deadLetters, 1).get(0);
    assertThat(dead.value()).isEqualTo(message.body());
    assertThat(dead.headers().lastHeader("h").value()).isEqualTo(utf8("v"));
    assertThat(queue.poll(1, Duration.ofSeconds(2))).isEmpty();
  }

  private void limitDeadLetters(String bytes) throws Exception {
    rig.kafka
        .admin()
        .incrementalAlterConfigs(
            Map.of(
                new ConfigResource(ConfigResource.Type.TOPIC, rig.deadLetters),
                List.of(
                    new AlterConfigOp(
                        new ConfigEntry("max.message.bytes", bytes), AlterConfigOp.OpType.SET))))
        .all()
        .get(30, TimeUnit.SECONDS);
    await()
        .atMost(SOON)
        .until(
            () -> {
              ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, rig.deadLetters);
              return rig.kafka
                  .admin()
                  .describeConfigs(List.of(topic))
                  .all()
                  .get(30, TimeUnit.SECONDS)
                  .get(topic)
                  .get("max.message.bytes")
                  .value()
                  .equals(bytes);
            });
  }

  @Test
  void newGroup_startsAtTheEarliestRecord_underTheLeaseAndTheHighestLimit() throws Exception {
    rig.put(new ProducerRecord<>(rig.topic, utf8("written before the group was")));
    KafkaWorkQueue queue = rig.queue(Duration.ofSeconds(7));
    // A broker tells of a setting some time after it has accepted it.
    await()
        .atMost(SOON)
        .untilAsserted(
            () -> {
              Config config = rig.groupConfig();
              assertThat(config.get("share.auto.offset.reset").value()).isEqualTo("earliest");
              assertThat(config.get("share.record.lock.duration.ms").value()).isEqualTo("7000");
              assertThat(config.get("share.delivery.count.limit").value()).isEqualTo("10");
            });
    Delivery delivery = take(queue);
    assertThat(delivery.message().text()).isEqualTo("written before the group was");
    ack(List.of(delivery));
  }

  @Test
  void closing_givesBackWhatNobodySaw_atOnceAndAtItsFirstAttempt() throws Exception {
    int count = 400;
    KafkaWorkQueue queue = rig.queue(LEASE);
    fill(queue, count);
    Set<String> done = new HashSet<>();
    // Work without time makes the lanes fetch ahead.
    while (done.size() < count / 2) {
      for (Delivery each : queue.poll(10, SOON)) {
        assertThat(each.ack().join()).isEqualTo(Settlement.OK);
        done.add(each.id());
      }
    }
    queue.close();
    assertThat(rig.members()).isEmpty();
    KafkaWorkQueue next = rig.queue(LEASE);
    while (done.size() < count) {
      for (Delivery each : take(next, 1)) {
        assertThat(done.add(each.id())).as("never delivered before").isTrue();
        assertThat(each.attempt()).isEqualTo(1);
        assertThat(each.ack().join()).isEqualTo(Settlement.OK);
      }
    }
  }
}
