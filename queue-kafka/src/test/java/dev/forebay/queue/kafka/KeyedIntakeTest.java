package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.TimeoutException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Dead letters of what cannot be decoded, while the producer blocks. */
class KeyedIntakeTest {

  private static final Duration LONG = Duration.ofSeconds(30);

  /** Its buffer is full: a send blocks until the test lets it go. */
  private static final class FullProducer extends MockProducer<byte[], byte[]> {
    private final Semaphore entered = new Semaphore(0);
    private final Semaphore let = new Semaphore(0);
    private volatile boolean failing;

    @Override
    public Future<RecordMetadata> send(ProducerRecord<byte[], byte[]> record, Callback callback) {
      entered.release();
      try {
        let.acquire();
      } catch (InterruptedException e) {
        throw new InterruptException(e);
      }
      callback.onCompletion(null, failing ? new TimeoutException("full") : null);
      return CompletableFuture.completedFuture(null);
    }

    void letGo(boolean fail) {
      failing = fail;
      let.release();
    }
  }

  private final ManualTimeSource time = new ManualTimeSource();
  private final KeyedSettings settings =
      new KeyedSettings(
          "t",
          "g",
          Duration.ofSeconds(1),
          "t.dlq",
          KeyPolicy.STRICT,
          100,
          1_000_000,
          10,
          Duration.ofMillis(200),
          Duration.ZERO,
          Duration.ofSeconds(1),
          Duration.ZERO,
          time);
  private final FullProducer producer = new FullProducer();
  private final KeyedBuffer buffer = new KeyedBuffer(settings, null);
  private final KeyedIntake intake =
      new KeyedIntake(
          settings,
          new Enqueuer("t", Capabilities.builder("test").build(), producer, time, null),
          buffer);
  private final KeyedPartition partition =
      new KeyedPartition(new TopicPartition("t", 0), KeyedLedger.at(0), 1);

  @AfterEach
  void close() {
    intake.close();
  }

  private void admitBroken(long offset) {
    buffer.locked(() -> partition.ledger.arrived(offset));
    intake.admit(partition, List.of(new ConsumerRecord<>("t", 0, offset, null, null)));
  }

  private boolean isResolved(long offset) {
    boolean[] resolved = new boolean[1];
    buffer.locked(() -> resolved[0] = partition.ledger.isResolved(offset));
    return resolved[0];
  }

  private void awaitSend() throws InterruptedException {
    assertThat(producer.entered.tryAcquire(LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
  }

  @Test
  @Timeout(60)
  void P5_fullProducer_blocksNeitherTheConsumerNorTheTimers() throws Exception {
    admitBroken(0);
    admitBroken(1);
    awaitSend();
    assertThat(producer.entered.availablePermits()).as("one at a time").isZero();
    assertThat(intake.writing()).isEqualTo(2);
    producer.letGo(true);
    awaitSend();
    producer.letGo(false);
    Awaitility.await().atMost(LONG).until(() -> isResolved(1));
    assertThat(isResolved(0)).isFalse();

    // The first is tried again, by a timer that does not wait for it.
    time.advance(Duration.ofSeconds(1));
    awaitSend();
    producer.letGo(false);
    Awaitility.await().atMost(LONG).until(() -> isResolved(0));
    assertThat(intake.writing()).isZero();
  }

  @Test
  @Timeout(60)
  void S1_close_endsTheThreadThatIsBlocked() throws Exception {
    admitBroken(0);
    awaitSend();
    intake.close();
    Awaitility.await()
        .atMost(LONG)
        .until(
            () ->
                Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(thread -> thread.getName().equals("forebay-kafka-aside-t")));
  }
}
