package dev.forebay.queue.kafka;

import static dev.forebay.queue.kafka.ShareRig.SOON;
import static dev.forebay.queue.kafka.ShareRig.fill;
import static dev.forebay.queue.kafka.ShareRig.take;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.SystemTimeSource;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.Producer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Settlements that write a copy first, on locks that are kept or lost while they do. */
@Execution(ExecutionMode.CONCURRENT)
class ShareMoveTest {

  private static final Duration LOCK = Duration.ofSeconds(3);
  private static final Duration DELAY = ShareConsumption.HELD_DELAY.plusSeconds(60);

  private final ShareRig rig = ShareRig.withPartitions(1);
  private final PendingDelays delays = new PendingDelays();
  private final StallingTime time = new StallingTime("forebay-kafka-" + rig.topic + "-");
  private KafkaWorkQueue plain;
  private KafkaWorkQueue queue;

  @BeforeEach
  void open() {
    plain = rig.queue(LOCK);
    ClientProperties properties = new ClientProperties(rig.kafka.clientProperties(), rig.topic);
    BrokerAdmin admin = new BrokerAdmin(properties, Duration.ofSeconds(30));
    Producer<?, ?> producer = plain.unwrap(Producer.class);
    @SuppressWarnings("unchecked")
    Enqueuer enqueuer =
        new Enqueuer(
            rig.topic,
            plain.capabilities(),
            (Producer<byte[], byte[]>) producer,
            SystemTimeSource.get(),
            null);
    ShareSettings settings =
        new ShareSettings(
            rig.topic,
            rig.group,
            properties.clientId(),
            LOCK,
            8,
            10,
            null,
            Duration.ofSeconds(5),
            time);
    queue =
        rig.open(
            new KafkaWorkQueue(
                rig.topic,
                plain.capabilities(),
                admin,
                enqueuer,
                delays,
                null,
                settings.grace(),
                settings.time(),
                of ->
                    new ShareConsumption(
                        settings, properties, enqueuer, delays, new ShareAdmin(admin), of)));
  }

  @AfterEach
  void close() throws Exception {
    time.stall(false);
    rig.close();
  }

  private CompletableFuture<Settlement> releaseFirst(Delivery delivery) {
    CompletableFuture<Settlement> answer = delivery.release(DELAY);
    await().atMost(SOON).until(() -> delays.writes.size() == 1);
    return answer;
  }

  /** As when its broker answered too late: all its locks are given up, and its thread is gone. */
  private static void endLane(Delivery delivery) throws Exception {
    Thread lane = ((ShareDelivery) delivery).held().lane.thread();
    lane.interrupt();
    lane.join(SOON.toMillis());
    assertThat(lane.isAlive()).isFalse();
    assertThat(delivery.isLost()).isTrue();
  }

  private static Settlement settled(CompletableFuture<Settlement> answer) throws Exception {
    return answer.get(10, TimeUnit.SECONDS);
  }

  @Test
  void A1_writeLongerThanTheLock_keepsIt() throws Exception {
    fill(plain, 1);
    Delivery delivery = take(queue);
    CompletableFuture<Settlement> answer = releaseFirst(delivery);
    assertThat(plain.poll(1, LOCK.multipliedBy(2))).isEmpty();
    assertThat(answer).isNotDone();
    delays.writes.get(0).complete(null);
    assertThat(settled(answer)).isEqualTo(Settlement.OK);
    assertThat(plain.poll(1, LOCK)).isEmpty();
  }

  @Test
  void A1_lockLostDuringTheWrite_isAnswered_andTheMessageIsNotDoubledHere() throws Exception {
    fill(plain, 1);
    Delivery delivery = take(queue);
    CompletableFuture<Settlement> answer = releaseFirst(delivery);
    endLane(delivery);
    // It is here again, and waits for what becomes of the write.
    assertThat(queue.poll(1, LOCK)).isEmpty();
    delays.writes.get(0).complete(null);
    assertThat(settled(answer)).as("written, but not accepted").isEqualTo(Settlement.UNKNOWN);
    assertThat(queue.poll(1, Duration.ofSeconds(1))).isEmpty();
    queue.close();
    assertThat(plain.poll(1, LOCK.plusSeconds(1))).as("accepted").isEmpty();
    assertThat(delays.writes).hasSize(1);
  }

  @Test
  void A1_lockLostAndTheWriteFails_theMessageComesAgain() throws Exception {
    fill(plain, 1);
    Delivery delivery = take(queue);
    CompletableFuture<Settlement> answer = releaseFirst(delivery);
    endLane(delivery);
    assertThat(queue.poll(1, LOCK)).isEmpty();
    delays.writes.get(0).completeExceptionally(new IllegalStateException("not written"));
    assertThat(settled(answer)).isEqualTo(Settlement.STALE);
    Delivery again = take(queue);
    assertThat(again.id()).isEqualTo(delivery.id());
    assertThat(again.fencingToken()).isGreaterThan(delivery.fencingToken());
    assertThat(settled(again.ack())).isEqualTo(Settlement.OK);
  }

  /**
   * A lane that hung: whether the lock is still there has to be asked before anything is written.
   */
  @Test
  void A1_lockThatMayBeOver_isAskedForBeforeTheWrite() throws Exception {
    fill(plain, 1);
    Delivery delivery = take(queue);
    assertThat(settled(delivery.extend(Duration.ofMinutes(2)))).isEqualTo(Settlement.OK);
    time.stall(true);
    Delivery elsewhere = take(plain);
    assertThat(elsewhere.id()).isEqualTo(delivery.id());
    CompletableFuture<Settlement> answer = delivery.release(DELAY);
    assertThat(delays.writes).isEmpty();
    assertThat(answer).isNotDone();
    time.stall(false);
    assertThat(settled(answer)).isEqualTo(Settlement.STALE);
    assertThat(delays.writes).isEmpty();
    assertThat(settled(elsewhere.ack())).isEqualTo(Settlement.OK);
  }

  /** Writes that end when the test says so. */
  private static final class PendingDelays implements Delays {
    final List<CompletableFuture<Void>> writes = new CopyOnWriteArrayList<>();

    @Override
    public Duration longest() {
      return DelayClasses.LONGEST;
    }

    @Override
    public CompletableFuture<Void> store(Envelope envelope, Copy copy, long notBefore) {
      CompletableFuture<Void> write = new CompletableFuture<>();
      writes.add(write);
      return write;
    }

    @Override
    public void start() {}

    @Override
    public OptionalLong waiting() {
      return OptionalLong.empty();
    }

    @Override
    public void stop() {}

    @Override
    public void close(Duration within) {}
  }
}
