package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.kafka.KeyedBuffer.Load;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import dev.forebay.queue.time.ManualTimeSource;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.TopicPartition;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Room for some partitions when others only fill up (R4, K3). */
class KeyedRoomTest {

  private static final Duration LONG = Duration.ofSeconds(60);

  private static KeyedSettings settings(int maxRecords, int maxPoll, long maxBytes) {
    return settings(maxRecords, maxPoll, maxBytes, new ManualTimeSource());
  }

  private static KeyedSettings settings(
      int maxRecords, int maxPoll, long maxBytes, ManualTimeSource time) {
    return new KeyedSettings(
        "t",
        "g",
        Duration.ofSeconds(1),
        null,
        KeyPolicy.STRICT,
        maxRecords,
        maxBytes,
        maxPoll,
        Duration.ofMillis(200),
        Duration.ZERO,
        Duration.ofSeconds(1),
        Duration.ZERO,
        time);
  }

  private static Load load(List<KeyedPartition> partitions) {
    long records = partitions.stream().mapToLong(each -> each.held).sum();
    long bytes = partitions.stream().mapToLong(each -> each.heldBytes).sum();
    return new Load(records, bytes, 0, 0, true, true, Long.MAX_VALUE);
  }

  private static List<KeyedPartition> partitions(int count) {
    List<KeyedPartition> partitions = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      partitions.add(new KeyedPartition(new TopicPartition("t", i), KeyedLedger.at(0), 1));
    }
    return partitions;
  }

  /** Fetches whole chunks of one partition for as long as it may be. */
  private static void fill(
      KeyedRoom room, KeyedPartition one, List<KeyedPartition> all, int chunk, long bytesEach) {
    while (!room.isFull(load(all)) && room.mayFetch(one, load(all), all.size())) {
      one.held += chunk;
      one.heldBytes += chunk * bytesEach;
    }
  }

  private static Load load(long records, long bytes, boolean hungry) {
    return new Load(records, bytes, 0, 0, hungry, true, Long.MAX_VALUE);
  }

  /** Else a room that is nearly full opens and closes with each few acks. */
  @Test
  void P4_fullRoom_staysFullForAMoment_unlessItIsNeeded() {
    ManualTimeSource time = new ManualTimeSource();
    KeyedRoom room = new KeyedRoom(settings(100, 10, 1_000, time));
    assertThat(room.isFull(load(90, 0, false))).isFalse();
    for (Load full : List.of(load(91, 0, true), load(0, 1_000, true))) {
      assertThat(room.isFull(full)).isTrue();
      assertThat(room.isFull(load(90, 999, true))).as("somebody waits").isFalse();
      assertThat(room.isFull(load(80, 999, false))).as("room for two polls").isFalse();
      time.advance(Duration.ofMillis(20).minusNanos(1));
      assertThat(room.isFull(load(90, 999, false))).as("just now").isTrue();
      time.advance(Duration.ofNanos(1));
      assertThat(room.isFull(load(90, 999, false))).as("a moment later").isFalse();
    }
  }

  @Test
  void R4_partitionsThatFillUp_leaveRoomForTheOthers() {
    KeyedRoom room = new KeyedRoom(settings(10_000, 2_000, 1L << 40));
    List<KeyedPartition> all = partitions(6);
    for (int i = 0; i < 2; i++) {
      fill(room, all.get(i), all, 2_000, 1);
      assertThat(all.get(i).held).isGreaterThanOrEqualTo(2_000);
    }
    assertThat(all.get(0).held).isEqualTo(6_000);
    assertThat(room.isFull(load(all))).isFalse();
    assertThat(room.mayFetch(all.get(0), load(all), 6)).isFalse();
    assertThat(room.mayFetch(all.get(4), load(all), 6)).isTrue();
  }

  @Test
  void R4_whatOnlyWaitsForItsCommit_stopsNoPartition() {
    KeyedRoom room = new KeyedRoom(settings(10_000, 2_000, 1L << 40));
    KeyedPartition one = partitions(1).get(0);
    one.held = 5_000;
    assertThat(room.mayFetch(one, load(List.of(one)), 3)).isFalse();

    for (int offset = 0; offset < 5_000; offset++) {
      one.resolved(new KeyedRecord(one, offset, 1, null));
    }
    Load committing = new Load(5_000, 0, 0, 5_000, true, true, Long.MAX_VALUE);
    assertThat(room.mayFetch(one, committing, 3)).isTrue();
  }

  @Test
  void R4_bytesOfOnePartition_leaveRoomForTheOthers() {
    KeyedRoom room = new KeyedRoom(settings(100_000, 500, 64L << 20));
    List<KeyedPartition> all = partitions(2);
    fill(room, all.get(0), all, 10, 100_000);
    assertThat(all.get(0).heldBytes).isBetween(40L << 20, 50L << 20);
    assertThat(room.isFull(load(all))).isFalse();
    assertThat(room.mayFetch(all.get(1), load(all), 2)).isTrue();
  }

  @Test
  void onePartitionAlone_mayFillTheRoom() {
    KeyedRoom room = new KeyedRoom(settings(10_000, 500, 1L << 40));
    List<KeyedPartition> all = partitions(1);
    fill(room, all.get(0), all, 500, 1);
    assertThat(all.get(0).held).isEqualTo(10_000);
  }

  /** A key whose messages go to this one of two partitions. */
  static String keyOf(int partition) {
    for (int i = 0; ; i++) {
      String key = "key-" + i;
      byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
      if (BuiltInPartitioner.partitionForKey(bytes, 2) == partition) {
        return key;
      }
    }
  }

  /** A key that waits, with more behind it than may be held, stops its own partition alone. */
  @Test
  void R4_keyThatWaits_doesNotStopTheOtherPartition() {
    EmbeddedKafka kafka = EmbeddedKafka.shared();
    String topic = "keyed-room";
    kafka.createTopic(topic, 2);
    try (KafkaWorkQueue queue =
        KafkaWorkQueue.keyed(kafka.clientProperties(), topic)
            .withoutDelays()
            .withoutDeadLetters()
            .maxInFlight(200)
            .grace(Duration.ZERO)
            .build()) {
      List<Message> waiting = new ArrayList<>();
      for (int i = 0; i < 1_000; i++) {
        waiting.add(Message.text("waits").key(keyOf(0)));
      }
      queue.enqueueAll(waiting).join().forEach(outcome -> outcome.orThrow());
      Delivery first = queue.poll(LONG).orElseThrow();
      assertThat(first.release(Duration.ofMinutes(10)).join()).isEqualTo(Settlement.OK);
      // By now all is fetched that will be.
      assertThat(queue.poll(Duration.ofSeconds(1))).isEmpty();
      List<Message> others = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        others.add(Message.text("other").key(keyOf(1)));
      }
      queue.enqueueAll(others).join().forEach(outcome -> outcome.orThrow());
      int[] done = new int[1];
      Awaitility.await("messages of the other partition")
          .atMost(LONG)
          .until(
              () -> {
                queue
                    .poll(10, Duration.ofMillis(200))
                    .forEach(
                        delivery -> {
                          assertThat(delivery.message().text()).isEqualTo("other");
                          assertThat(delivery.ack().join()).isEqualTo(Settlement.OK);
                          done[0]++;
                        });
                return done[0] == 40;
              });
    }
  }
}
