package dev.forebay.queue.kafka;

import static dev.forebay.queue.DeadLetterFilter.all;
import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.Message;
import dev.forebay.queue.RedriveOptions;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a redrive keeps: the group the message died in, and tokens that go on growing. */
class KafkaRedriveTest {

  private static final Duration LONG = Duration.ofSeconds(60);

  private final EmbeddedKafka kafka = EmbeddedKafka.shared();
  private final String topic = "redrive-" + UUID.randomUUID();

  private KafkaQueueBuilder<?> builder(String mode, String group) {
    kafka.createTopic(topic, 1);
    kafka.createTopic(topic + ".dlq", 1);
    KafkaQueueBuilder<?> builder =
        mode.equals("keyed")
            ? KafkaWorkQueue.keyed(kafka.clientProperties(), topic)
            : KafkaWorkQueue.shared(kafka.clientProperties(), topic);
    return builder
        .withoutDelays()
        .group(group + topic)
        .lease(Duration.ofSeconds(30))
        .grace(Duration.ofSeconds(1));
  }

  private static Delivery take(KafkaWorkQueue queue, String text) {
    Delivery delivery = queue.poll(LONG).orElseThrow();
    assertThat(delivery.message().text()).isEqualTo(text);
    return delivery;
  }

  private static void die(Delivery delivery) {
    assertThat(delivery.deadLetter(new DeadLetterCause("Test", "")).join())
        .isEqualTo(Settlement.OK);
  }

  private static void ack(Delivery delivery) {
    assertThat(delivery.ack().join()).isEqualTo(Settlement.OK);
  }

  private static long redrive(KafkaWorkQueue queue) {
    return queue.deadLetters().redrive(all(), RedriveOptions.unlimited()).done();
  }

  @ParameterizedTest
  @ValueSource(strings = {"keyed", "shared"})
  void A2_redrive_isForTheGroupItDiedIn(String mode) {
    try (KafkaWorkQueue one = builder(mode, "one-").build();
        KafkaWorkQueue two = builder(mode, "two-").build();
        KafkaWorkQueue tool = builder(mode, "tool-").deadLettersOfEveryGroup().build()) {
      one.enqueue(Message.text("m")).join().orThrow();
      ack(take(one, "m"));
      die(take(two, "m"));
      assertThat(one.deadLetters().list(all()).items()).isEmpty();
      assertThat(redrive(one)).isZero();
      assertThat(tool.deadLetters().list(all()).items()).hasSize(1);
      assertThat(redrive(two)).isEqualTo(1);
      ack(take(two, "m"));

      // The one that acked it meets the record, and passes it by.
      one.enqueue(Message.text("next")).join().orThrow();
      die(take(one, "next"));
      die(take(two, "next"));
      assertThat(tool.deadLetters().list(all()).items()).hasSize(2);
      assertThat(redrive(one)).isEqualTo(1);
      assertThat(redrive(two)).isEqualTo(1);
      one.enqueue(Message.text("last")).join().orThrow();
      ack(take(one, "next"));
      ack(take(one, "last"));
      ack(take(two, "next"));
      ack(take(two, "last"));
    }
  }

  @Test
  void D3_toolForEveryGroup_bringsBackForEveryGroup() {
    try (KafkaWorkQueue one = builder("keyed", "one-").build();
        KafkaWorkQueue two = builder("keyed", "two-").build();
        KafkaWorkQueue tool = builder("keyed", "tool-").deadLettersOfEveryGroup().build()) {
      one.enqueue(Message.text("m")).join().orThrow();
      die(take(one, "m"));
      ack(take(two, "m"));
      assertThat(redrive(tool)).isEqualTo(1);
      ack(take(one, "m"));
      ack(take(two, "m"));
    }
  }

  /** After a copy, whose tokens are above those of the topic's own records. */
  @Test
  void L5_tokensGoOnGrowing_throughCopyAndRedrive() {
    kafka.createTopic(topic, 1);
    kafka.createTopic(topic + ".dlq", 1);
    kafka.createTopic(topic + ".delays", DelayClasses.COUNT);
    try (KafkaWorkQueue queue =
        KafkaWorkQueue.keyed(kafka.clientProperties(), topic)
            .keyPolicy(KeyPolicy.RELAXED)
            .grace(Duration.ofSeconds(1))
            .build()) {
      queue.enqueue(Message.text("m").key("k")).join().orThrow();
      Delivery first = take(queue, "m");
      assertThat(first.release(KeyedConsumption.HELD_DELAY.plusMillis(100)).join())
          .isEqualTo(Settlement.OK);
      Delivery copy = take(queue, "m");
      assertThat(copy.fencingToken()).isGreaterThan(first.fencingToken());
      die(copy);
      assertThat(redrive(queue)).isEqualTo(1);
      Delivery redriven = take(queue, "m");
      assertThat(redriven.attempt()).isEqualTo(1);
      assertThat(redriven.fencingToken()).isGreaterThan(copy.fencingToken());
      ack(redriven);
    }
  }

  /** In share mode the number of copies is what tokens go by. */
  @Test
  void L5_shared_tokensGoOnGrowing_throughRedrive() {
    try (KafkaWorkQueue queue = builder("shared", "").build()) {
      queue.enqueue(Message.text("m")).join().orThrow();
      Delivery first = take(queue, "m");
      assertThat(first.release().join()).isEqualTo(Settlement.OK);
      Delivery second = take(queue, "m");
      die(second);
      assertThat(redrive(queue)).isEqualTo(1);
      Delivery redriven = take(queue, "m");
      assertThat(redriven.fencingToken()).isGreaterThan(second.fencingToken());
      ack(redriven);
    }
  }
}
