package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.kafka.KeyedBuffer.Load;
import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetCommitCallback;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** When commits go, and with what, by answers that take any time. */
class KeyedCommitsTest {

  private final ManualTimeSource time = new ManualTimeSource();
  private final KeyedBuffer buffer = new KeyedBuffer(settings(Duration.ofMillis(200)), null);
  private KeyedCommits commits = every(Duration.ofMillis(200));
  private final KeyedPartition partition =
      new KeyedPartition(new TopicPartition("t", 0), KeyedLedger.at(0), 1);
  private final Broker broker = new Broker();

  private KeyedSettings settings(Duration commitInterval) {
    return new KeyedSettings(
        "t",
        "g",
        Duration.ofSeconds(1),
        null,
        KeyPolicy.STRICT,
        100,
        1_000_000,
        10,
        commitInterval,
        Duration.ZERO,
        Duration.ofSeconds(1),
        Duration.ZERO,
        time);
  }

  private KeyedCommits every(Duration commitInterval) {
    return new KeyedCommits(
        settings(commitInterval),
        buffer,
        new KeyedCounters(),
        new Trouble(LoggerFactory.getLogger(KeyedCommitsTest.class), "a commit fails"));
  }

  /** Has commits answered when the test says so. */
  private static final class Broker extends MockConsumer<byte[], byte[]> {

    private final List<Long> offsets = new ArrayList<>();
    private final List<Runnable> answers = new ArrayList<>();

    Broker() {
      super("earliest");
    }

    @Override
    public void commitAsync(
        Map<TopicPartition, OffsetAndMetadata> what, OffsetCommitCallback callback) {
      what.values().forEach(value -> offsets.add(value.offset()));
      answers.add(() -> callback.onComplete(what, null));
    }

    void answer() {
      answers.remove(0).run();
    }
  }

  private void resolve(long offset) {
    buffer.locked(
        () -> {
          partition.ledger.arrived(offset);
          partition.ledger.resolve(offset);
          partition.dirty = true;
        });
  }

  private void commit() {
    commit(1);
  }

  @Test
  void S3_answerAfterAnOutage_nextCommitGoesSoon() {
    resolve(0);
    commit();
    resolve(1);
    time.advance(Duration.ofMinutes(1));
    commit();
    assertThat(broker.offsets).as("one at a time (C2)").containsExactly(1L);

    broker.answer();
    time.advance(Duration.ofMillis(200));
    commit();

    assertThat(broker.offsets).containsExactly(1L, 2L);
  }

  @Test
  void nextCommit_waitsTwiceAsLongAsTheLastOnesTook() {
    takes(0, Duration.ofMillis(30));
    time.advance(Duration.ofMillis(60));
    takes(1, Duration.ofMillis(20));
    resolve(2);

    time.advance(Duration.ofMillis(39));
    commit();
    assertThat(broker.offsets).containsExactly(1L, 2L);

    time.advance(Duration.ofMillis(1));
    commit();
    assertThat(broker.offsets).containsExactly(1L, 2L, 3L);
  }

  /** Else a worker's settlements would pile up after a collection until it takes no more. */
  @Test
  void oneAnswerThatTookLong_keepsTheNextCommitNoLonger() {
    takes(0, Duration.ofMillis(2));
    time.advance(Duration.ofMillis(5));
    takes(1, Duration.ofMillis(80));
    resolve(2);

    time.advance(Duration.ofMillis(5));
    commit();

    assertThat(broker.offsets).containsExactly(1L, 2L, 3L);
  }

  private void takes(long offset, Duration answerAfter) {
    resolve(offset);
    commit();
    time.advance(answerAfter);
    broker.answer();
  }

  private void commit(long acksWaiting) {
    commit(acksWaiting, false);
  }

  private void commit(long acksWaiting, boolean hungry) {
    Load load = new Load(acksWaiting, 0, 0, acksWaiting, hungry, true, Long.MAX_VALUE);
    commits.commit(broker, List.of(partition), load);
  }

  /** A commit that was answered this long ago, and something new to commit. */
  private void answeredBefore(Duration ago) {
    resolve(0);
    commit();
    broker.answer();
    resolve(1);
    time.advance(ago);
  }

  @Test
  void acksThatKeepComing_goTogether() {
    answeredBefore(Duration.ofMillis(5));
    long acks = 10;
    for (int passed = 5; passed < 100; passed++) {
      commit(acks++);
      assertThat(broker.offsets).as("after %s ms", passed).containsExactly(1L);
      time.advance(Duration.ofMillis(1));
    }

    commit(acks);

    assertThat(broker.offsets).as("100 ms after the last answer").containsExactly(1L, 2L);
    assertThat(commits.isGathering()).isFalse();
  }

  /** What a crash may undo is bounded by what the user asked for. */
  @Test
  void acksThatKeepComing_goWithinHalfOfAShortInterval() {
    commits = every(Duration.ofMillis(20));
    answeredBefore(Duration.ofMillis(5));
    long acks = 10;
    for (int passed = 5; passed < 10; passed++) {
      commit(acks++);
      time.advance(Duration.ofMillis(1));
    }
    assertThat(broker.offsets).containsExactly(1L);

    commit(acks);

    assertThat(broker.offsets).as("10 ms after the last answer").containsExactly(1L, 2L);
  }

  @Test
  void acksThatComeNoMore_waitForNoOthers() {
    answeredBefore(Duration.ofMillis(5));
    commit(64);
    assertThat(commits.isGathering()).isTrue();

    time.advance(Duration.ofMillis(2));
    commit(64);

    assertThat(broker.offsets).containsExactly(1L, 2L);
  }

  @Test
  void whileSomebodyWaitsForARecord_theLastLookIsTheLongOne() {
    answeredBefore(Duration.ofMillis(5));
    commit(10, true);
    time.advance(Duration.ofMillis(2));
    commit(11, true);
    time.advance(Duration.ofMillis(4));
    commit(12, true);

    time.advance(Duration.ofMillis(88));
    commit(12, true);
    assertThat(broker.offsets).as("99 ms after the last answer").containsExactly(1L);

    time.advance(Duration.ofMillis(1));
    commit(12, true);
    assertThat(broker.offsets).containsExactly(1L, 2L);
  }

  /** Else the consumer would not poll until the next ack: minutes, with slow handlers. */
  @Test
  void S3_acksThatWentWithTheirPartition_areNotWaitedFor() {
    answeredBefore(Duration.ofMillis(5));
    commit(64);
    assertThat(commits.isGathering()).isTrue();

    commit(0);

    assertThat(commits.isGathering()).isFalse();
  }

  @Test
  void S3_acksOfAConsumerThatIsGone_areNotWaitedFor() {
    answeredBefore(Duration.ofMillis(5));
    commit(64);
    assertThat(commits.isGathering()).isTrue();

    commits.reset();

    assertThat(commits.isGathering()).isFalse();
  }

  @Test
  void fewAcks_areNotGathered() {
    answeredBefore(Duration.ofMillis(5));

    commit(4);

    assertThat(broker.offsets).containsExactly(1L, 2L);
  }

  @Test
  void acksThatHaveBecomeMany_goAtOnce() {
    answeredBefore(Duration.ofMillis(5));
    commit(64);
    time.advance(Duration.ofNanos(1));

    commit(KeyedCommits.MANY);

    assertThat(broker.offsets).containsExactly(1L, 2L);
  }
}
