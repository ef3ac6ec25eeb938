package dev.forebay.queue.kafka;

import static dev.forebay.queue.kafka.ShareRig.SOON;
import static dev.forebay.queue.kafka.ShareRig.fill;
import static dev.forebay.queue.kafka.ShareRig.take;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Settlement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** The broker's record locks under the library's leases: renewed, never doubled, never outlived. */
@Execution(ExecutionMode.CONCURRENT)
class ShareLocksTest {

  private static final Duration LOCK = Duration.ofSeconds(3);
  private static final Duration LONG = Duration.ofMinutes(2);

  private final ShareRig rig = ShareRig.withPartitions(1);

  @AfterEach
  void close() throws Exception {
    rig.close();
  }

  private static void extend(List<Delivery> deliveries) {
    for (Delivery each : deliveries) {
      assertThat(each.extend(LONG).join()).isEqualTo(Settlement.OK);
    }
  }

  private static void ack(List<Delivery> deliveries) {
    for (Delivery each : deliveries) {
      assertThat(each.ack().join()).isEqualTo(Settlement.OK);
    }
  }

  @Test
  void fifteenRenewals_areOneDelivery() throws Exception {
    KafkaWorkQueue queue = rig.queue(LOCK);
    KafkaWorkQueue rival = rig.queue(LOCK);
    fill(queue, 10);
    List<Delivery> held = take(queue, 10);
    extend(held);
    // A lane renews every third of the lock's time.
    long end = System.nanoTime() + LOCK.toNanos() / 3 * 15;
    while (System.nanoTime() - end < 0) {
      assertThat(rival.poll(10, Duration.ofSeconds(1))).isEmpty();
    }
    // Else one of its fetches that are under way may get them first.
    rival.close();
    for (Delivery each : held) {
      assertThat(each.isLost()).isFalse();
      assertThat(each.fencingToken()).isEqualTo(1);
      assertThat(each.release(Duration.ZERO).join()).isEqualTo(Settlement.OK);
    }
    for (int i = 0; i < 10; i++) {
      Delivery again = take(queue);
      // Two, or a few more where a busy machine let a lock end between fetch and hand-over; had the
      // renewals counted, it were 17.
      assertThat(again.fencingToken()).isBetween(2L, 4L);
      ack(List.of(again));
    }
  }

  /** As in a deploy to a shorter lease: the old process is at work while the new one starts. */
  @Test
  void shorterLockSetByAnotherProcess_isRenewedInTime() throws Exception {
    KafkaWorkQueue old = rig.queue(LOCK.multipliedBy(4));
    fill(old, 1);
    List<Delivery> held = new ArrayList<>(take(old, 1));
    KafkaWorkQueue rival = rig.queue(LOCK);
    await()
        .atMost(SOON)
        .until(
            () ->
                rig.groupConfig()
                    .get(ShareGroupSettings.LOCK_DURATION)
                    .value()
                    .equals(Long.toString(LOCK.toMillis())));
    fill(old, 1);
    held.addAll(take(old, 1));
    extend(held);
    // Renewed by its own lease only, one lock would end after 3 s and the other after 7.
    long end = System.nanoTime() + LOCK.toNanos() * 3;
    while (System.nanoTime() - end < 0) {
      assertThat(rival.poll(2, Duration.ofSeconds(1))).isEmpty();
    }
    assertThat(held).noneMatch(Delivery::isLost);
    ack(held);
  }

  @Test
  void renewal_neverOverwritesAnAck_ofTheSameFetch() throws Exception {
    KafkaWorkQueue queue = rig.queue(LOCK);
    fill(queue, 8);
    List<Delivery> all = take(queue, 8);
    extend(all);
    Lane lane = ((ShareDelivery) all.get(0)).held().lane;
    List<Delivery> batch =
        all.stream().filter(each -> ((ShareDelivery) each).held().lane == lane).toList();
    assertThat(batch).as("records of one fetch").hasSizeGreaterThan(2);
    // One by one, with a renewal of the rest after each.
    for (int i = 1; i < batch.size(); i++) {
      assertThat(batch.get(i).ack().join()).isEqualTo(Settlement.OK);
      assertThat(queue.poll(1, Duration.ofMillis(1_200))).isEmpty();
    }
    ack(all.stream().filter(each -> ((ShareDelivery) each).held().lane != lane).toList());
    queue.close();
    KafkaWorkQueue next = rig.queue(LOCK);
    Delivery back = take(next);
    assertThat(back.id()).isEqualTo(batch.get(0).id());
    extend(List.of(back));
    assertThat(next.poll(8, LOCK.plusSeconds(2))).isEmpty();
    assertThat(back.ack().join()).isEqualTo(Settlement.OK);
  }

  @Test
  void twoHundredRecords_shortAndLongerThanTheirLock_eachRunOnce() throws Exception {
    int count = 200;
    KafkaWorkQueue queue = rig.queue(LOCK);
    fill(queue, count);
    Random random = new Random(3);
    int[] millis =
        random.ints(count, 0, 100).map(i -> i < 90 ? 20 + i : 1_000 + (i - 90) * 500).toArray();
    Map<String, AtomicInteger> starts = new ConcurrentHashMap<>();
    ConcurrentLinkedQueue<Settlement> bad = new ConcurrentLinkedQueue<>();
    CountDownLatch done = new CountDownLatch(count);
    AtomicInteger next = new AtomicInteger();
    List<Thread> slots = new ArrayList<>();
    for (int slot = 0; slot < 16; slot++) {
      Thread thread =
          new Thread(
              () -> {
                while (!Thread.currentThread().isInterrupted()) {
                  for (Delivery each : queue.poll(1, Duration.ofSeconds(1))) {
                    starts.computeIfAbsent(each.id(), id -> new AtomicInteger()).incrementAndGet();
                    each.extend(LONG).join();
                    LockSupport.parkNanos(
                        TimeUnit.MILLISECONDS.toNanos(millis[next.getAndIncrement() % count]));
                    Settlement settlement = each.ack().join();
                    if (settlement != Settlement.OK) {
                      bad.add(settlement);
                    }
                    done.countDown();
                  }
                }
              });
      thread.start();
      slots.add(thread);
    }
    assertThat(done.await(SOON.toSeconds(), TimeUnit.SECONDS)).isTrue();
    for (Thread each : slots) {
      each.interrupt();
      each.join();
    }
    assertThat(bad).isEmpty();
    queue.close();
    assertThat(rig.queue(LOCK).poll(10, LOCK.plusSeconds(2))).isEmpty();
    assertThat(starts).hasSize(count);
    assertThat(starts.values()).allSatisfy(each -> assertThat(each).hasValue(1));
  }

  /**
   * Where the duplicates of a bare share consumer come from: the cause that {@link Lane} guards
   * against. When this fails, the client has changed and the guard may go.
   */
  @Test
  void bareClient_afterAnEmptyPoll_fetchesOn_andHandsOutARecordWhoseLockIsOver() throws Exception {
    KafkaWorkQueue unused = rig.queue(Duration.ofSeconds(1));
    KafkaShareConsumer<byte[], byte[]> first = rig.rawMember("first");
    joinByPolling(first, "first");
    assertThat(first.poll(Duration.ofMillis(500))).isEmpty();
    rig.put(new ProducerRecord<>(rig.topic, KafkaRawRecords.utf8("job")));
    // The other one gets it only after the lock of the first has ended: nobody has seen it there.
    ConsumerRecord<byte[], byte[]> second = takeRaw(rig.rawMember("second"));
    assertThat(second.deliveryCount()).contains((short) 2);
    ConsumerRecords<byte[], byte[]> stale = first.poll(Duration.ofSeconds(5));
    assertThat(stale).as("handed out a second time, and no error").hasSize(1);
    assertThat(stale.iterator().next().offset()).isEqualTo(second.offset());
    assertThat(stale.iterator().next().deliveryCount()).contains((short) 1);
  }

  @Test
  void recordThatWentStaleInTheClient_isNotHandedOut() throws Exception {
    StallingTime time = new StallingTime("forebay-kafka-" + rig.topic + "-");
    KafkaWorkQueue queue = rig.open(rig.builder(Duration.ofSeconds(2)).time(time).build());
    ConcurrentLinkedQueue<Delivery> seen = new ConcurrentLinkedQueue<>();
    Thread poller =
        new Thread(
            () -> {
              while (!Thread.currentThread().isInterrupted()) {
                queue
                    .poll(1, Duration.ofMinutes(5))
                    .forEach(
                        each -> {
                          seen.add(each);
                          each.ack();
                        });
              }
            });
    poller.start();
    try {
      await().atMost(SOON).until(() -> rig.members().values().stream().anyMatch(p -> !p.isEmpty()));
      time.stall(true);
      await().atMost(SOON).until(() -> time.stalled() > 0);
      rig.put(new ProducerRecord<>(rig.topic, KafkaRawRecords.utf8("gone elsewhere")));
      KafkaShareConsumer<byte[], byte[]> other = rig.rawMember("other");
      ConsumerRecord<byte[], byte[]> record = takeRaw(other);
      assertThat(record.deliveryCount()).contains((short) 2);
      other.acknowledge(record, AcknowledgeType.ACCEPT);
      assertThat(other.commitSync().values()).allSatisfy(error -> assertThat(error).isEmpty());
      other.close();
      time.stall(false);
      rig.put(new ProducerRecord<>(rig.topic, KafkaRawRecords.utf8("next")));
      await().atMost(SOON).until(() -> !seen.isEmpty());
      assertThat(seen.stream().map(each -> each.message().text())).containsExactly("next");
    } finally {
      time.stall(false);
      poller.interrupt();
      poller.join();
    }
  }

  private void joinByPolling(KafkaShareConsumer<byte[], byte[]> consumer, String clientId)
      throws Exception {
    await()
        .atMost(SOON)
        .until(
            () -> {
              assertThat(consumer.poll(Duration.ofMillis(100))).isEmpty();
              return !rig.members().getOrDefault(clientId, Set.of()).isEmpty();
            });
  }

  private static ConsumerRecord<byte[], byte[]> takeRaw(
      KafkaShareConsumer<byte[], byte[]> consumer) {
    for (int polls = 0; polls < 60; polls++) {
      ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofSeconds(1));
      if (!records.isEmpty()) {
        return records.iterator().next();
      }
    }
    throw new AssertionError("no record came");
  }
}
