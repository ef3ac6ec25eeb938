package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.Message;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Delays of whole queues: restarts, members that come and go, an outage, groups, random delays. */
class KafkaDelaysTest {

  private static final Duration LONG = ShareConsumption.HELD_DELAY.plusMillis(500);

  /** For joining a group, a restart and a busy machine, beside the declared lateness. */
  private static final Duration ALLOWANCE = Duration.ofSeconds(30);

  /** Full size with -Psoak; see docs/benchmarks.md. */
  private static final boolean SOAK = Boolean.getBoolean("forebay.soak");

  @Test
  void E4_restart_keepsWhatIsPending() {
    DelayRig rig = new DelayRig(EmbeddedKafka.shared());
    KafkaWorkQueue first = rig.consume();
    List<String> all = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      all.add(rig.enqueue(first, Message.text("m" + i), Duration.ofMillis(2_000 + i * 100)));
    }
    rig.stop(first);
    assertThat(rig.arrivals).hasSizeLessThan(40);
    rig.consume();
    rig.await(40);
    assertNotLate(rig);
    rig.stopAll();
    assertThat(rig.ids()).containsExactlyInAnyOrderElementsOf(all);
  }

  /** Nothing is lost or doubled by the orderly moves of classes between three processes. */
  @Test
  void E4_membersComeAndGo_eachMessageComesOnce() {
    DelayRig rig = new DelayRig(EmbeddedKafka.shared());
    Random random = new Random(3);
    KafkaWorkQueue first = rig.consume();
    List<String> all = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      all.add(
          rig.enqueue(first, Message.text("m" + i), Duration.ofMillis(1 + random.nextInt(9_000))));
    }
    KafkaWorkQueue second = rig.consume();
    rig.await(50);
    KafkaWorkQueue third = rig.consume();
    rig.await(90);
    rig.stop(first);
    rig.await(120);
    rig.stop(second);
    rig.await(200);
    assertNotLate(rig);
    rig.stop(third);
    assertThat(rig.ids()).containsExactlyInAnyOrderElementsOf(all);
  }

  @Test
  void S3_brokerAway_losesNothingAndIsNotEarly() {
    try (EmbeddedKafka kafka = EmbeddedKafka.start(1)) {
      DelayRig rig = new DelayRig(kafka);
      KafkaWorkQueue queue = rig.consume();
      List<String> all = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        all.add(rig.enqueue(queue, Message.text("m" + i), Duration.ofMillis(500 + i * 150)));
      }
      rig.await(10);
      kafka.stopNode(0);
      kafka.startNode(0);
      Awaitility.await()
          .atMost(DelayRig.PATIENCE)
          .untilAsserted(() -> assertThat(rig.ids()).containsAll(all));
      assertNotLate(rig);
      rig.stopAll();
    }
  }

  /** What one process returns until later, another one does not take for a lost lease. */
  @Test
  void R2_returnsUntilLater_areKnownToOtherProcesses() {
    DelayRig rig = new DelayRig(EmbeddedKafka.shared());
    try (KafkaWorkQueue one = rig.open();
        KafkaWorkQueue other = rig.open()) {
      String id = one.enqueue(Message.text("throttled")).join().orThrow();
      for (int returned = 0; returned < 3; returned++) {
        Delivery delivery = take(returned % 2 == 0 ? one : other);
        assertThat(delivery.id()).isEqualTo(id);
        assertThat(delivery.attempts()).isEqualTo(new Attempts(0, 0, returned));
        assertThat(
                settled(
                    delivery
                        .queue()
                        .release(delivery, Duration.ofMillis(300), ReleaseCause.RETURNED)))
            .isEqualTo(Settlement.OK);
      }
      Delivery last = take(other);
      assertThat(last.attempt()).isEqualTo(1);
      assertThat(settled(last.ack())).isEqualTo(Settlement.OK);
    }
  }

  /** A long release delay leaves the process, and all that the message carries survives it. */
  @Test
  void R1_longRelease_survivesTheProcessWithAllItCarries() {
    DelayRig rig = new DelayRig(EmbeddedKafka.shared());
    Delivery before;
    long due;
    try (KafkaWorkQueue queue = rig.open()) {
      queue
          .enqueue(
              Message.text("body").key("key").dedupId("dedup").type("kind").header("trace", "7"))
          .join()
          .orThrow();
      before = take(queue);
      assertThat(settled(before.release(Duration.ZERO))).isEqualTo(Settlement.OK);
      before = take(queue);
      due = DelayRig.millis() + LONG.toMillis();
      assertThat(settled(before.release(LONG))).isEqualTo(Settlement.OK);
      assertThat(queue.depth().delayed()).hasValue(1);
    }
    try (KafkaWorkQueue queue = rig.open()) {
      Delivery after = take(queue);
      assertThat(DelayRig.millis()).isGreaterThanOrEqualTo(due);
      assertThat(after.id()).isEqualTo(before.id());
      assertThat(after.attempts()).isEqualTo(new Attempts(2, 0, 0));
      assertThat(after.enqueuedAt()).isEqualTo(before.enqueuedAt());
      assertThat(after.fencingToken()).isGreaterThan(before.fencingToken());
      assertThat(after.message().text()).isEqualTo("body");
      assertThat(after.message().key()).contains("key");
      assertThat(after.message().dedupId()).contains("dedup");
      assertThat(after.message().type()).contains("kind");
      assertThat(after.message().headers()).isEqualTo(before.message().headers());
      assertThat(settled(after.ack())).isEqualTo(Settlement.OK);
      assertThat(queue.poll(1, Duration.ofMillis(500))).isEmpty();
    }
  }

  /** As in share mode where the key's order is relaxed, and for what has no key. */
  @ParameterizedTest
  @EnumSource(KeyPolicy.class)
  void R1_keyed_longRelease_survivesTheProcessWithAllItCarries(KeyPolicy policy) {
    DelayRig rig = new DelayRig(EmbeddedKafka.shared());
    Message message = Message.text("body").dedupId("dedup").type("kind").header("trace", "7");
    Delivery before;
    long due;
    try (KafkaWorkQueue queue = keyed(rig, policy)) {
      queue.enqueue(policy == KeyPolicy.RELAXED ? message.key("key") : message).join().orThrow();
      before = take(queue);
      assertThat(settled(before.release(Duration.ZERO))).isEqualTo(Settlement.OK);
      before = take(queue);
      due = DelayRig.millis() + LONG.toMillis();
      assertThat(settled(before.release(LONG))).isEqualTo(Settlement.OK);
      assertThat(queue.depth().delayed()).hasValue(1);
      assertThat(queue.depth().visible()).hasValue(0);
    }
    try (KafkaWorkQueue queue = keyed(rig, policy)) {
      Delivery after = take(queue);
      assertThat(DelayRig.millis()).isGreaterThanOrEqualTo(due);
      assertThat(after.id()).isEqualTo(before.id());
      assertThat(after.attempts()).isEqualTo(new Attempts(2, 0, 0));
      assertThat(after.enqueuedAt()).isEqualTo(before.enqueuedAt());
      assertThat(after.fencingToken()).isGreaterThan(before.fencingToken());
      assertThat(after.message()).isEqualTo(before.message());
      // What the copy brought counts on, in this process and from the commit's metadata.
      assertThat(settled(after.release(Duration.ZERO))).isEqualTo(Settlement.OK);
      Delivery again = take(queue);
      assertThat(again.attempts()).isEqualTo(new Attempts(3, 0, 0));
      assertThat(again.fencingToken()).isGreaterThan(after.fencingToken());
      assertThat(settled(again.ack())).isEqualTo(Settlement.OK);
      assertThat(queue.poll(1, Duration.ofMillis(500))).isEmpty();
    }
  }

  /** Days go where no key's order is at stake, and are refused where one is. */
  @Test
  void R1_keyed_longestRelease_isDeclared() {
    DelayRig rig = new DelayRig(EmbeddedKafka.shared());
    try (KafkaWorkQueue relaxed = keyed(rig, KeyPolicy.RELAXED);
        KafkaWorkQueue strict = keyed(rig, KeyPolicy.STRICT)) {
      assertThat(relaxed.capabilities().maxReleaseDelay()).isEqualTo(Duration.ofDays(7));
      assertThat(strict.capabilities().maxReleaseDelay()).isEqualTo(Duration.ofMinutes(15));
      relaxed.enqueue(Message.text("first").key("key")).join().orThrow();
      relaxed.enqueue(Message.text("second").key("key")).join().orThrow();
      Delivery first = take(relaxed);
      assertThat(first.message().text()).isEqualTo("first");
      assertThat(settled(first.release(Duration.ofDays(2)))).isEqualTo(Settlement.OK);
      Delivery second = take(relaxed);
      assertThat(second.message().text()).isEqualTo("second");
      assertThat(settled(second.ack())).isEqualTo(Settlement.OK);
      assertThat(relaxed.depth().delayed()).hasValue(1);
      assertThat(relaxed.depth().backlog()).isEqualTo(1);
    }
  }

  /** What one group releases comes back to that group; an enqueue delay is for all of them. */
  @Test
  void R1_longRelease_isOfTheGroupThatReleased() {
    DelayRig rig = new DelayRig(EmbeddedKafka.shared());
    try (KafkaWorkQueue one = group(rig, "one-");
        KafkaWorkQueue two = group(rig, "two-")) {
      one.enqueue(Message.text("for both").delay(Duration.ofMillis(1_500))).join().orThrow();
      Delivery inOne = take(one);
      Delivery inTwo = take(two);
      assertThat(inTwo.id()).isEqualTo(inOne.id());
      assertThat(settled(inTwo.ack())).isEqualTo(Settlement.OK);
      assertThat(settled(inOne.release(LONG))).isEqualTo(Settlement.OK);
      Delivery again = take(one);
      assertThat(again.id()).isEqualTo(inOne.id());
      assertThat(again.attempt()).isEqualTo(2);
      assertThat(two.poll(1, Duration.ofSeconds(3))).isEmpty();
      assertThat(settled(again.ack())).isEqualTo(Settlement.OK);
      Awaitility.await("the other group has settled the copy unseen")
          .atMost(DelayRig.PATIENCE)
          .until(
              () -> {
                assertThat(two.poll(1, Duration.ofMillis(300))).isEmpty();
                return two.depth().backlog() == 0;
              });
    }
  }

  @Test
  void S2_createTopics_makesAllThatIsMissing() {
    EmbeddedKafka kafka = EmbeddedKafka.shared();
    String topic = "created-" + UUID.randomUUID();
    for (int i = 0; i < 2; i++) {
      try (KafkaWorkQueue queue =
          KafkaWorkQueue.shared(kafka.clientProperties(), topic)
              .createTopics((short) 1)
              .lease(Duration.ofSeconds(15))
              .build()) {
        queue.enqueue(Message.text("later").delay(Duration.ofMillis(300))).join().orThrow();
        assertThat(settled(take(queue).ack())).isEqualTo(Settlement.OK);
      }
    }
  }

  /** Random delays through a rolling restart: none early, none lost, none late. */
  @Test
  @Timeout(400)
  void E4_randomDelaysThroughARestart_areKept() {
    int count = SOAK ? 10_000 : 300;
    int span = SOAK ? 60_000 : 8_000;
    DelayRig rig = new DelayRig(EmbeddedKafka.shared());
    Random random = new Random(42);
    KafkaWorkQueue first = rig.consume();
    // The first member of a group takes seconds to join, which is no lateness of a delay.
    rig.enqueue(first, Message.text("joined"), Duration.ofMillis(1));
    rig.await(1);
    rig.arrivals.clear();
    rig.due.clear();
    List<Duration> delays =
        Stream.generate(() -> Duration.ofMillis(1 + random.nextInt(span))).limit(count).toList();
    List<String> all = rig.enqueueAll(first, delays);
    rig.await(count / 2);
    KafkaWorkQueue second = rig.consume();
    rig.stop(first);
    rig.await(count);
    long latest = rig.latest();
    assertThat(rig.ids()).containsExactlyInAnyOrderElementsOf(all);
    if (SOAK) {
      List<Long> late =
          rig.arrivals.stream()
              .map(each -> each.atMillis() - rig.due.getOrDefault(each.id(), 0L))
              .sorted()
              .toList();
      System.out.printf(
          "delays: %d messages, late by p50 %d ms, p99 %d ms, p99.9 %d ms, at most %d ms%n",
          count,
          late.get(count / 2),
          late.get(count * 99 / 100),
          late.get(count * 999 / 1000),
          latest);
      assertThat(latest).isLessThanOrEqualTo(second.capabilities().lateness().toMillis());
    }
    rig.stopAll();
  }

  private static void assertNotLate(DelayRig rig) {
    assertThat(Duration.ofMillis(rig.latest()))
        .isLessThan(KafkaQueueBuilder.LATENESS.plus(ALLOWANCE));
  }

  private static KafkaWorkQueue keyed(DelayRig rig, KeyPolicy policy) {
    return KafkaWorkQueue.keyed(rig.kafka.clientProperties(), rig.topic)
        .keyPolicy(policy)
        .grace(Duration.ofSeconds(5))
        .build();
  }

  private static KafkaWorkQueue group(DelayRig rig, String prefix) {
    return KafkaWorkQueue.shared(rig.kafka.clientProperties(), rig.topic)
        .group(prefix + rig.topic)
        .lease(Duration.ofSeconds(15))
        .grace(Duration.ofSeconds(2))
        .build();
  }

  private static Delivery take(KafkaWorkQueue queue) {
    List<Delivery> taken = new ArrayList<>();
    Awaitility.await("a delivery of " + queue)
        .atMost(DelayRig.PATIENCE)
        .until(
            () -> {
              taken.addAll(queue.poll(1, Duration.ofSeconds(1)));
              return !taken.isEmpty();
            });
    return taken.get(0);
  }

  private static Settlement settled(CompletableFuture<Settlement> answer) {
    return answer.orTimeout(60, TimeUnit.SECONDS).join();
  }
}
