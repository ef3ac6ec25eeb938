package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.time.SystemTimeSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;

/** Every settlement is taken by the lane or answered, whenever the lane ends. */
class LaneInboxTest {

  private final ConcurrentLinkedQueue<Held> refused = new ConcurrentLinkedQueue<>();
  private final LaneInbox inbox = new LaneInbox(SystemTimeSource.get(), refused::add);

  private static Held record(int offset) {
    ConsumerRecord<byte[], byte[]> record = new ConsumerRecord<>("jobs", 0, offset, null, null);
    return new Held(null, record, null, 0, 1, 0, "");
  }

  @Test
  void A4_whatIsThereAtTheEnd_isRefused() {
    Held settled = record(1);
    Held written = record(2);
    inbox.settled(settled);
    inbox.written(written);
    assertThat(refused).isEmpty();
    inbox.end();
    assertThat(refused).containsExactly(settled, written);
    assertThat(inbox.take()).isNull();
  }

  @Test
  void A4_whatComesAfterTheEnd_isRefusedAtOnce() {
    inbox.end();
    Held settled = record(1);
    Held written = record(2);
    inbox.settled(settled);
    assertThat(refused).containsExactly(settled);
    inbox.written(written);
    assertThat(refused).containsExactly(settled, written);
  }

  @Test
  void afterRenewal_runsOnce_orWhenTheLaneHasEnded() {
    AtomicInteger runs = new AtomicInteger();
    inbox.afterRenewal(runs::incrementAndGet);
    assertThat(runs).hasValue(0);
    inbox.renewed();
    inbox.renewed();
    assertThat(runs).hasValue(1);
    inbox.afterRenewal(runs::incrementAndGet);
    inbox.end();
    assertThat(runs).hasValue(2);
    inbox.afterRenewal(runs::incrementAndGet);
    assertThat(runs).hasValue(3);
  }

  @Test
  void A4_settlementsThatMeetTheEnd_areAnsweredOnceEach() throws Exception {
    for (int round = 0; round < 2_000; round++) {
      ConcurrentLinkedQueue<Held> answered = new ConcurrentLinkedQueue<>();
      LaneInbox raced = new LaneInbox(SystemTimeSource.get(), answered::add);
      CyclicBarrier start = new CyclicBarrier(2);
      Thread settler =
          new Thread(
              () -> {
                meet(start);
                for (int i = 0; i < 4; i++) {
                  raced.settled(record(i));
                }
              });
      settler.start();
      meet(start);
      List<Held> taken = new ArrayList<>();
      Held first = raced.take();
      if (first != null) {
        taken.add(first);
      }
      raced.end();
      settler.join();
      taken.addAll(answered);
      assertThat(taken.stream().map(each -> each.record.offset()))
          .as("round %d", round)
          .containsExactlyInAnyOrder(0L, 1L, 2L, 3L);
    }
  }

  private static void meet(CyclicBarrier barrier) {
    try {
      int unused = barrier.await();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
