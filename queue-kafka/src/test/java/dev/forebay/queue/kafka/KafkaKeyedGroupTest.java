package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Members that come and go, and brokers that do, under load. */
class KafkaKeyedGroupTest {

  private static final Duration LONG = Duration.ofSeconds(90);

  /** One message's way: its key and number in it. */
  private static String name(int key, int number) {
    return key + "/" + number;
  }

  /** Handles everything, and watches order, overlap and repetitions by key. */
  private static final class Watch {
    final Map<String, Delivery> inHand = new ConcurrentHashMap<>();
    final Map<String, Integer> lastDone = new ConcurrentHashMap<>();
    final ConcurrentLinkedQueue<String> done = new ConcurrentLinkedQueue<>();
    final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
    final ConcurrentLinkedQueue<String> again = new ConcurrentLinkedQueue<>();
    final Map<String, Boolean> started = new ConcurrentHashMap<>();

    void handle(Delivery delivery) {
      String key = delivery.message().key().orElseThrow();
      String text = delivery.message().text();
      int number = Integer.parseInt(text.substring(text.indexOf('/') + 1));
      Delivery other = inHand.put(key, delivery);
      if (other != null && !other.isLost()) {
        wrong.add(text + " while " + other.message().text() + " was in hand");
      }
      if (started.put(text, true) != null) {
        again.add(text);
      }
      int last = lastDone.getOrDefault(key, -1);
      if (number != last + 1) {
        wrong.add(text + " after " + last);
      }
      LockSupport.parkNanos(1_000_000);
      lastDone.merge(key, number, Math::max);
      inHand.remove(key, delivery);
      Settlement settlement = delivery.ack().join();
      if (settlement == Settlement.OK) {
        done.add(text);
      } else {
        // It may come again: then its number is expected once more.
        lastDone.put(key, number - 1);
      }
    }
  }

  /** A queue object and threads that work on it until it is stopped. */
  private static final class Member {
    final KafkaWorkQueue queue;
    final AtomicBoolean stopping = new AtomicBoolean();
    final List<Thread> threads = new ArrayList<>();

    Member(KafkaWorkQueue queue, Watch watch, int slots) {
      this.queue = queue;
      for (int i = 0; i < slots; i++) {
        Thread thread =
            new Thread(
                () -> {
                  while (!stopping.get()) {
                    queue.poll(1, Duration.ofMillis(100)).forEach(watch::handle);
                  }
                });
        thread.start();
        threads.add(thread);
      }
    }

    void stop() {
      stopping.set(true);
      for (Thread thread : threads) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      }
      queue.close();
    }
  }

  private static KafkaWorkQueue open(EmbeddedKafka kafka, String topic, boolean classic) {
    Map<String, Object> properties = kafka.clientProperties();
    if (classic) {
      properties.put("group.protocol", "classic");
      properties.put("heartbeat.interval.ms", "300");
    }
    return KafkaWorkQueue.keyed(properties, topic)
        .withoutDelays()
        .withoutDeadLetters()
        .group(topic)
        .handOver(Duration.ofSeconds(20))
        .build();
  }

  private static Thread produce(KafkaWorkQueue queue, int keys, int each, CountDownLatch half) {
    Thread thread =
        new Thread(
            () -> {
              for (int number = 0; number < each; number++) {
                List<Message> messages = new ArrayList<>();
                for (int key = 0; key < keys; key++) {
                  messages.add(Message.text(name(key, number)).key("key-" + key));
                }
                queue.enqueueAll(messages).join().forEach(outcome -> outcome.orThrow());
                if (number == each / 2) {
                  half.countDown();
                }
                LockSupport.parkNanos(20_000_000);
              }
            });
    thread.start();
    return thread;
  }

  private static void assertAllInOrder(Watch watch, int keys, int each) {
    assertThat(watch.wrong).as("order violations and overlaps").isEmpty();
    Map<String, Integer> count = new HashMap<>();
    watch.done.forEach(text -> count.merge(text, 1, Integer::sum));
    assertThat(count).hasSize(keys * each);
    assertThat(count.values()).as("acks that were OK").allMatch(n -> n == 1);
  }

  private static void twoThreeTwo(boolean classic) throws Exception {
    EmbeddedKafka kafka = EmbeddedKafka.shared();
    String topic = "keyed-members-" + (classic ? "classic" : "modern");
    kafka.createTopic(topic, 12);
    int keys = 60;
    int each = 150;
    Watch watch = new Watch();
    CountDownLatch half = new CountDownLatch(1);
    KafkaWorkQueue producing = open(kafka, topic, classic);
    Member one = new Member(open(kafka, topic, classic), watch, 6);
    Member two = new Member(open(kafka, topic, classic), watch, 6);
    Thread producer = produce(producing, keys, each, half);
    Awaitility.await().atMost(LONG).until(() -> watch.done.size() > 600);
    Member three = new Member(open(kafka, topic, classic), watch, 6);
    assertThat(half.await(LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
    Awaitility.await()
        .atMost(LONG)
        .until(() -> three.queue.unwrap(KafkaKeyedStats.class).commits() > 5);
    three.stop();
    producer.join();
    Awaitility.await().atMost(LONG).until(() -> watch.done.size() >= keys * each);
    one.stop();
    two.stop();
    producing.close();
    assertAllInOrder(watch, keys, each);
    assertThat(watch.again).as("delivered again after graceful moves").isEmpty();
  }

  @Test
  void K1_twoThreeTwoMembers_keepOrderWithoutRepetition() throws Exception {
    twoThreeTwo(false);
  }

  @Test
  void K1_twoThreeTwoMembers_byTheClassicProtocol() throws Exception {
    twoThreeTwo(true);
  }

  /** A handler that outlives the time for handing over is fenced, and its late ack stale. */
  @Test
  void A3_partitionThatMoves_fencesWhatIsStillInHand() {
    EmbeddedKafka kafka = EmbeddedKafka.shared();
    String topic = "keyed-fenced";
    kafka.createTopic(topic, 1);
    KafkaKeyedBuilder builder =
        KafkaWorkQueue.keyed(kafka.clientProperties(), topic)
            .withoutDelays()
            .withoutDeadLetters()
            .group(topic)
            .grace(Duration.ZERO);
    try (KafkaWorkQueue second = builder.build()) {
      Delivery late;
      try (KafkaWorkQueue first = builder.build()) {
        first.enqueue(Message.text("m").key("k")).join().orThrow();
        late = first.poll(LONG).orElseThrow();
      }
      Delivery current = second.poll(LONG).orElseThrow();
      assertThat(late.isLost()).isTrue();
      assertThat(late.ack().join()).isEqualTo(Settlement.STALE);
      assertThat(current.attempts().leaseLost()).isEqualTo(1);
      assertThat(current.fencingToken()).isGreaterThan(late.fencingToken());
      assertThat(current.ack().join()).isEqualTo(Settlement.OK);
    }
  }

  private static Set<Integer> leaders(EmbeddedKafka kafka, String topic) throws Exception {
    Set<Integer> leaders = new HashSet<>();
    kafka
        .admin()
        .describeTopics(List.of(topic))
        .allTopicNames()
        .get(30, TimeUnit.SECONDS)
        .get(topic)
        .partitions()
        .forEach(partition -> leaders.add(partition.leader().id()));
    return leaders;
  }

  /** Both members live on; the handler alone takes longer than the group waits for it. */
  @Test
  void A3_memberThatJoins_fencesWhatOutlivesTheHandOver() {
    EmbeddedKafka kafka = EmbeddedKafka.shared();
    String topic = "keyed-hand-over";
    kafka.createTopic(topic, 2);
    KafkaKeyedBuilder builder =
        KafkaWorkQueue.keyed(kafka.clientProperties(), topic)
            .withoutDelays()
            .withoutDeadLetters()
            .group(topic)
            .lease(Duration.ofMinutes(5))
            .handOver(Duration.ofMillis(500))
            .grace(Duration.ofSeconds(1));
    try (KafkaWorkQueue first = builder.build();
        KafkaWorkQueue second = builder.build()) {
      Map<String, Delivery> held = new HashMap<>();
      for (int partition = 0; partition < 2; partition++) {
        Message message = Message.text("in " + partition).key(KeyedRoomTest.keyOf(partition));
        first.enqueue(message).join().orThrow();
        Delivery delivery = first.poll(LONG).orElseThrow();
        held.put(delivery.message().text(), delivery);
      }
      assertThat(held).hasSize(2);
      Delivery current = second.poll(LONG).orElseThrow();
      Delivery late = held.remove(current.message().text());
      assertThat(late.isLost()).isTrue();
      assertThat(late.ack().join()).isEqualTo(Settlement.STALE);
      assertThat(first.unwrap(KafkaKeyedStats.class).fenced()).isGreaterThanOrEqualTo(1);
      assertThat(current.id()).isEqualTo(late.id());
      assertThat(current.attempts().leaseLost()).isEqualTo(1);
      assertThat(current.fencingToken()).isGreaterThan(late.fencingToken());
      assertThat(current.ack().join()).isEqualTo(Settlement.OK);
      Delivery stayed = held.values().iterator().next();
      assertThat(stayed.isLost()).isFalse();
      assertThat(stayed.ack().join()).isEqualTo(Settlement.OK);
    }
  }

  @Test
  void S3_oneOfThreeBrokersStops_nothingIsLostOrRepeatedAfterItsAck() throws Exception {
    int keys = 30;
    int each = 120;
    try (EmbeddedKafka kafka = EmbeddedKafka.start(3)) {
      String topic = "keyed-three-nodes";
      kafka.createTopic(topic, 6);
      Watch watch = new Watch();
      CountDownLatch half = new CountDownLatch(1);
      KafkaWorkQueue producing = open(kafka, topic, false);
      Member one = new Member(open(kafka, topic, false), watch, 4);
      Member two = new Member(open(kafka, topic, false), watch, 4);
      Thread producer = produce(producing, keys, each, half);
      Awaitility.await().atMost(LONG).until(() -> watch.done.size() > 300);
      assertThat(leaders(kafka, topic)).contains(1);
      kafka.stopNode(1);
      assertThat(half.await(LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
      kafka.startNode(1);
      producer.join();
      Awaitility.await().atMost(LONG).until(() -> watch.done.size() >= keys * each);
      one.stop();
      two.stop();
      producing.close();
      assertAllInOrder(watch, keys, each);
    }
  }
}
