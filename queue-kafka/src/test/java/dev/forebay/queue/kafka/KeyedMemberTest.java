package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.time.ManualTimeSource;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a member does when the group or the broker does the unexpected at one certain moment. */
class KeyedMemberTest {

  private static final Duration LONG = Duration.ofSeconds(30);
  private static final Duration LEASE = Duration.ofSeconds(10);
  private static final Duration LATER = Duration.ofMinutes(1);
  private static final TopicPartition PARTITION = new TopicPartition("t", 0);

  /** Gets its partitions and records from the test; remembers how it was closed. */
  private static final class Member extends MockConsumer<byte[], byte[]> {
    private final AtomicReference<Duration> closedWithin = new AtomicReference<>();
    private volatile ConsumerRebalanceListener listener;

    Member() {
      super("earliest");
    }

    @Override
    public synchronized void subscribe(
        Collection<String> topics, ConsumerRebalanceListener rebalanceListener) {
      listener = rebalanceListener;
      super.subscribe(topics, rebalanceListener);
    }

    @Override
    public ConsumerRecords<byte[], byte[]> poll(Duration wait) {
      LockSupport.parkNanos(1_000_000);
      return super.poll(wait);
    }

    @Override
    public void close(CloseOptions options) {
      closedWithin.set(options.timeout().orElse(null));
      super.close(options);
    }

    void assign() {
      schedulePollTask(
          () -> {
            rebalance(List.of(PARTITION));
            updateBeginningOffsets(Map.of(PARTITION, 0L));
            addRecord(new ConsumerRecord<>("t", 0, 0, null, "m".getBytes(StandardCharsets.UTF_8)));
          });
    }

    /** Gives it a partition with so many records, of which one poll brings some. */
    void assign(int records) {
      schedulePollTask(
          () -> {
            rebalance(List.of(PARTITION));
            updateBeginningOffsets(Map.of(PARTITION, 0L));
            setMaxPollRecords(10);
            for (int i = 0; i < records; i++) {
              byte[] body = "m".getBytes(StandardCharsets.UTF_8);
              addRecord(new ConsumerRecord<>("t", 0, i, null, body));
            }
          });
    }

    boolean fetches() {
      return paused().isEmpty();
    }

    boolean isFull(int records) {
      return assignment().contains(PARTITION) && position(PARTITION) >= records && !fetches();
    }

    void lose() {
      schedulePollTask(() -> listener.onPartitionsLost(List.of(PARTITION)));
    }
  }

  /** Stores copies when the test says so. */
  private static final class SlowDelays implements Delays {
    private final List<CompletableFuture<Void>> stored = new ArrayList<>();
    private Runnable whenAsked = () -> {};

    @Override
    public Duration longest() {
      whenAsked.run();
      return Duration.ofDays(1);
    }

    @Override
    public CompletableFuture<Void> store(Envelope envelope, Copy copy, long notBefore) {
      CompletableFuture<Void> answer = new CompletableFuture<>();
      stored.add(answer);
      return answer;
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

  private final ManualTimeSource time = new ManualTimeSource();
  private final SlowDelays delays = new SlowDelays();
  private final Queue<Member> members = new ConcurrentLinkedQueue<>();
  private final KeyedConsumption consumption =
      new KeyedConsumption(
          new KeyedSettings(
              "t",
              "g",
              LEASE,
              null,
              KeyPolicy.STRICT,
              100,
              1_000_000,
              10,
              Duration.ofMillis(200),
              Duration.ZERO,
              Duration.ofHours(1),
              Duration.ZERO,
              time),
          this::member,
          null,
          delays,
          null,
          null);

  private Member member() {
    Member member = new Member();
    members.add(member);
    return member;
  }

  @AfterEach
  void close() {
    consumption.close();
  }

  private Delivery take() {
    List<Delivery> taken = new ArrayList<>();
    Awaitility.await()
        .atMost(LONG)
        .until(
            () -> {
              taken.addAll(consumption.poll(1, Duration.ZERO));
              return !taken.isEmpty();
            });
    return taken.get(0);
  }

  /** Commits keep some time between them. */
  private Settlement answer(CompletableFuture<Settlement> settlement) {
    Awaitility.await()
        .atMost(LONG)
        .until(
            () -> {
              time.advance(Duration.ofMillis(10));
              return settlement.isDone();
            });
    return settlement.join();
  }

  @Test
  void P4_fullRoom_opensForWhoeverWaits() throws Exception {
    Member member = members.element();
    member.assign(200);
    List<Delivery> taken = takeUntilFull(member);
    // All that is held, so that the next one has nothing.
    taken.addAll(consumption.poll(1_000, Duration.ZERO));
    CompletableFuture<List<Delivery>> waiting =
        CompletableFuture.supplyAsync(() -> consumption.poll(1, LATER));
    ackAll(taken);
    assertThat(waiting.get(30, TimeUnit.SECONDS)).hasSize(1);
  }

  private void ackAll(List<Delivery> taken) {
    List<CompletableFuture<Settlement>> acks = taken.stream().map(consumption::ack).toList();
    acks.forEach(
        ack -> assertThat(ack.isDone() ? ack.join() : answer(ack)).isEqualTo(Settlement.OK));
  }

  /** Some of what there is, in hand when the room is full. */
  private List<Delivery> takeUntilFull(Member member) {
    List<Delivery> taken = new ArrayList<>(List.of(take()));
    Awaitility.await().atMost(LONG).until(() -> member.isFull(100));
    taken.addAll(consumption.poll(19, Duration.ZERO));
    return taken;
  }

  /** As when a member is so late that the group has given its partitions away. */
  @Test
  void L4_partitionsLost_losesWhatIsInHand() {
    members.element().assign();
    Delivery delivery = take();
    members.element().lose();
    Awaitility.await().atMost(LONG).until(delivery::isLost);
    assertThat(answer(consumption.ack(delivery))).isEqualTo(Settlement.STALE);
    assertThat(((KafkaKeyedStats) consumption.inside().get(0)).fenced()).isEqualTo(1);
    assertThat(consumption.poll(1, Duration.ZERO)).isEmpty();
  }

  /** The copy is there, so nobody may be told that nothing was changed. */
  @Test
  void A3_partitionLostWhileTheCopyIsWritten_isUnknown() {
    members.element().assign();
    Delivery delivery = take();
    CompletableFuture<Settlement> released =
        consumption.release(delivery, LATER, ReleaseCause.FAILED);
    members.element().lose();
    Awaitility.await().atMost(LONG).until(delivery::isLost);
    delays.stored.get(0).complete(null);
    assertThat(answer(released)).isEqualTo(Settlement.UNKNOWN);
  }

  /** Between the two steps of a settlement the message is given to another: no copy, then. */
  @Test
  void A3_leaseThatEndsBeforeTheCopyIsWritten_leavesNoCopy() {
    members.element().assign();
    Delivery delivery = take();
    List<Delivery> again = new ArrayList<>();
    delays.whenAsked =
        () -> {
          time.advance(LEASE.multipliedBy(2));
          again.addAll(consumption.poll(1, Duration.ZERO));
        };
    CompletableFuture<Settlement> released =
        consumption.release(delivery, LATER, ReleaseCause.FAILED);
    assertThat(again).hasSize(1);
    assertThat(delays.stored).isEmpty();
    assertThat(answer(released)).isEqualTo(Settlement.STALE);
    assertThat(delivery.isLost()).isTrue();
    assertThat(again.get(0).isLost()).isFalse();
  }

  /** The lease goes on while the copy is written, however long that takes. */
  @Test
  void L1_leaseThatEndsWhileTheCopyIsWritten_isNotGivenToAnother() {
    members.element().assign();
    Delivery delivery = take();
    CompletableFuture<Settlement> released =
        consumption.release(delivery, LATER, ReleaseCause.FAILED);
    time.advance(LEASE.multipliedBy(2));
    assertThat(consumption.poll(1, Duration.ZERO)).isEmpty();
    delays.stored.get(0).complete(null);
    assertThat(answer(released)).isEqualTo(Settlement.OK);
    assertThat(consumption.poll(1, Duration.ZERO)).isEmpty();
  }

  /** A member that only vanishes keeps its partitions from all others until the time-out. */
  @Test
  void S3_memberThatFails_leavesTheGroup_andAnotherTakesItsPlace() {
    Member failing = members.element();
    failing.setPollException(new KafkaException("fenced"));
    assertThat(consumption.poll(1, Duration.ZERO)).isEmpty();
    Awaitility.await().atMost(LONG).until(() -> members.size() == 2);
    assertThat(failing.closedWithin.get()).isPositive();
    members.stream().skip(1).forEach(Member::assign);
    assertThat(take().message().text()).isEqualTo("m");
  }
}
