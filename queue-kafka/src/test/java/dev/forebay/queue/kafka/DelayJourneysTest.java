package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Message;
import dev.forebay.queue.kafka.DelayPartition.Waiting;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.ManualTimeSource;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.record.TimestampType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * What is written when, and in which order for each key, when writes fail or have no answer. The
 * records are in class 1, a second long, and the test answers for the brokers.
 */
class DelayJourneysTest {

  private static final Duration RETRY = Duration.ofSeconds(1);

  /** A write that has no answer yet, or that was refused at once. */
  private record Write(String id, String topic, CompletableFuture<Void> answer) {
    void confirm() {
      answer.complete(null);
    }

    void fail() {
      answer.completeExceptionally(new TimeoutException("no answer"));
    }
  }

  private final ManualTimeSource clock = new ManualTimeSource();
  private final DelayTopic topic = DelayTopic.of("jobs");
  private final DelayPartition home = new DelayPartition(new TopicPartition(topic.name(), 1));
  private final List<Write> writes = new ArrayList<>();
  private boolean full;
  private boolean owned = true;
  private final DelayJourneys journeys =
      new DelayJourneys(
          topic,
          this::send,
          partition -> owned,
          clock,
          new Trouble(LoggerFactory.getLogger(DelayJourneysTest.class), "as planned"));
  private long offset;

  DelayJourneysTest() {
    clock.advance(Duration.ofHours(1));
  }

  private CompletableFuture<Void> send(ProducerRecord<byte[], byte[]> record) {
    String id = new String(record.value(), StandardCharsets.UTF_8);
    CompletableFuture<Void> answer =
        full
            ? CompletableFuture.failedFuture(new BufferExhaustedException("full"))
            : new CompletableFuture<>();
    writes.add(new Write(id, record.topic(), answer));
    return answer;
  }

  private long millis() {
    return clock.now().toEpochMilli();
  }

  /** A record that leaves its class now, with this much of its delay left. */
  private Waiting open(String id, @Nullable String key, long leftMillis) {
    long now = millis();
    Envelope envelope = Envelope.fresh(id, Message.text(id).key(key), clock.now());
    ProducerRecord<byte[], byte[]> sent =
        topic.first(envelope, Copy.NONE, now + leftMillis, now - 1_000);
    home.fetched(
        new ConsumerRecord<>(
            topic.name(),
            1,
            offset++,
            now - 1_000,
            TimestampType.CREATE_TIME,
            0,
            0,
            sent.key(),
            sent.value(),
            sent.headers(),
            Optional.empty()),
        now);
    Waiting opened = home.open(now);
    assertThat(opened).isNotNull();
    journeys.begin(opened, now, now);
    return opened;
  }

  /** A turn of the forwarder. */
  private void turn() {
    journeys.takeAnswers();
    journeys.goOn(millis());
  }

  private List<String> written() {
    return writes.stream().map(Write::id).toList();
  }

  private Write last() {
    return writes.get(writes.size() - 1);
  }

  @Test
  void K1_whileOneIsWritten_laterOnesOfItsKeyWait_andGoTogether() {
    open("a1", "a", 0);
    open("a2", "a", 0);
    open("b1", "b", 0);
    open("none1", null, 0);
    open("a3", "a", 0);
    open("none2", null, 0);
    turn();
    assertThat(written()).containsExactly("a1", "b1", "none1", "none2");
    writes.get(0).confirm();
    turn();
    assertThat(written()).containsExactly("a1", "b1", "none1", "none2", "a2", "a3");
    assertThat(journeys.isHolding()).isFalse();
  }

  @Test
  void K1_failedWrite_isTriedAgainBeforeLaterOnesOfItsKey() {
    open("a1", "a", 0);
    writes.get(0).fail();
    open("a2", "a", 0);
    open("b1", "b", 0);
    turn();
    open("a3", "a", 0);
    open("c1", "c", 0);
    clock.advance(RETRY.minusMillis(1));
    turn();
    assertThat(written()).as("it rests, others do not").containsExactly("a1", "b1", "c1");
    assertThat(journeys.nextLook()).isEqualTo(millis() + 1);
    clock.advance(Duration.ofMillis(1));
    turn();
    assertThat(written()).containsExactly("a1", "b1", "c1", "a1");
    last().fail();
    turn();
    clock.advance(RETRY);
    turn();
    assertThat(written()).containsExactly("a1", "b1", "c1", "a1", "a1");
    last().confirm();
    turn();
    assertThat(written()).containsExactly("a1", "b1", "c1", "a1", "a1", "a2", "a3");
  }

  /** The producer may have room again for the second one: it must not be asked. */
  @Test
  void K1_writeThatFailsAtOnce_endsTheWave() {
    open("a1", "a", 0);
    open("a2", "a", 0);
    open("a3", "a", 0);
    full = true;
    writes.get(0).confirm();
    turn();
    assertThat(written()).containsExactly("a1", "a2");
    full = false;
    turn();
    assertThat(written()).containsExactly("a1", "a2");
    clock.advance(RETRY);
    turn();
    assertThat(written()).containsExactly("a1", "a2", "a2");
    last().confirm();
    turn();
    assertThat(written()).containsExactly("a1", "a2", "a2", "a3");
  }

  /** Several of a wave that fail are written again in their order, whoever was told first. */
  @Test
  void K1_failedWave_keepsItsOrder() {
    open("a1", "a", 0);
    open("a2", "a", 0);
    open("a3", "a", 0);
    writes.get(0).confirm();
    turn();
    writes.get(2).fail();
    turn();
    clock.advance(Duration.ofMillis(500));
    writes.get(1).fail();
    turn();
    clock.advance(RETRY);
    turn();
    assertThat(written()).containsExactly("a1", "a2", "a3", "a2");
    last().confirm();
    turn();
    assertThat(written()).containsExactly("a1", "a2", "a3", "a2", "a3");
  }

  /** A key's order is that in which its messages become due; nothing waits for a later one. */
  @Test
  void R4_earlierOnes_areNotBehindALaterOne() {
    open("far", "a", 100_000);
    assertThat(last().topic()).isEqualTo(topic.name());
    writes.get(0).fail();
    turn();
    open("now", "a", 0);
    assertThat(written()).containsExactly("far", "now");
    assertThat(last().topic()).isEqualTo(topic.target());
    last().confirm();
    turn();
    open("next", "a", 0);
    open("farther", "a", 200_000);
    assertThat(written()).containsExactly("far", "now", "next");
  }

  /** What waits in memory is looked at when it is due, and is held then if it has to be. */
  @Test
  void K1_nearOnes_areHeldWhenTheyAreDue() {
    open("a1", "a", 0);
    open("a2", "a", 300);
    clock.advance(Duration.ofMillis(300));
    turn();
    assertThat(written()).containsExactly("a1");
    writes.get(0).confirm();
    turn();
    assertThat(written()).containsExactly("a1", "a2");
  }

  /** What can never be written blocks nobody, not even its own key. */
  @Test
  void R4_refusedRecord_stepsAside() {
    open("large", "a", 0);
    open("a2", "a", 0);
    writes.get(0).answer().completeExceptionally(new RecordTooLargeException("too large"));
    turn();
    assertThat(written()).containsExactly("large", "large", "a2");
    assertThat(writes.get(1).topic()).as("it waits on").isEqualTo(topic.name());
  }

  /** What was held is neither committed nor kept when its class goes to another process. */
  @Test
  void D1_heldOnes_areForgottenWithTheirClass() {
    open("a1", "a", 0);
    Waiting held = open("a2", "a", 0);
    assertThat(home.resolvedTo()).isZero();
    owned = false;
    journeys.forget(Set.of(home));
    assertThat(held.record).isNull();
    writes.get(0).fail();
    turn();
    clock.advance(RETRY);
    turn();
    assertThat(written()).containsExactly("a1");
    assertThat(journeys.isHolding()).isFalse();
    assertThat(journeys.isSending()).isFalse();
  }

  /** An orderly end writes on what was overtaken, held or not. */
  @Test
  void S1_overtakenOnes_areWrittenOnThoughTheyAreHeld() {
    open("a1", "a", 0);
    open("a2", "a", 0);
    open("b1", "b", 0);
    writes.get(0).fail();
    writes.get(1).confirm();
    turn();
    journeys.writeOvertaken(List.of(home), millis());
    assertThat(written()).containsExactly("a1", "b1", "a1", "a2");
    assertThat(writes.subList(2, 4)).allMatch(each -> each.topic().equals(topic.name()));
    writes.subList(2, 4).forEach(Write::confirm);
    turn();
    assertThat(home.resolvedTo()).isEqualTo(3);
    clock.advance(RETRY);
    turn();
    assertThat(writes).hasSize(4);
  }

  /** Whatever is held counts as open, which is bounded. */
  @Test
  void R4_heldOnes_areBounded() {
    int count = 0;
    while (journeys.hasRoom()) {
      open("m" + count++, "a", 0);
    }
    assertThat(count).isEqualTo(10_000);
    assertThat(writes).hasSize(1);
    writes.get(0).confirm();
    turn();
    assertThat(writes).hasSize(10_000);
    writes.forEach(Write::confirm);
    turn();
    assertThat(journeys.hasRoom()).isTrue();
    assertThat(written()).doesNotHaveDuplicates();
  }
}
