package dev.forebay.queue.kafka;

import static dev.forebay.queue.kafka.ShareRig.fill;
import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Settlement;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Workers in processes of their own that die or hang while they hold messages (L2, L4, A3). */
@Execution(ExecutionMode.CONCURRENT)
class ShareCrashTest {

  /** What a machine with other things to do may add. */
  private static final Duration BUSY = Duration.ofSeconds(3);

  private final ShareRig rig = ShareRig.withPartitions(1);

  @AfterEach
  void close() throws Exception {
    rig.close();
  }

  private static Set<String> takeBack(KafkaWorkQueue queue, Set<String> ids, Duration bound) {
    Set<String> left = new HashSet<>(ids);
    long end = System.nanoTime() + bound.toNanos();
    while (!left.isEmpty() && System.nanoTime() - end < 0) {
      for (Delivery each : queue.poll(4, Duration.ofSeconds(1))) {
        assertThat(left.remove(each.id())).as("one of the lost ones, once").isTrue();
        assertThat(each.attempt()).isEqualTo(2);
        assertThat(each.attempts().leaseLost()).isEqualTo(1);
        assertThat(each.ack().join()).isEqualTo(Settlement.OK);
      }
    }
    return left;
  }

  @Test
  void killedProcess_itsMessagesAreBackLongBeforeTheirLocksEnd() throws Exception {
    Duration lease = Duration.ofSeconds(60);
    KafkaWorkQueue queue = rig.queue(lease);
    fill(queue, 4);
    try (ShareChild child = ShareChild.start(rig, lease, 4)) {
      Set<String> held = child.held();
      assertThat(held).hasSize(4);
      assertThat(queue.poll(4, Duration.ofSeconds(1))).isEmpty();
      child.kill();
      // By its connection's end; were it by the lock, it would take the whole minute.
      assertThat(takeBack(queue, held, Duration.ofSeconds(40))).isEmpty();
      assertThat(queue.capabilities().failureDetection()).isLessThanOrEqualTo(lease);
    }
  }

  @Test
  void hungProcess_itsMessagesAreBackWithinLeaseAndLateness_andItsLateAcksAreStale()
      throws Exception {
    Duration lease = Duration.ofSeconds(8);
    KafkaWorkQueue queue = rig.queue(lease);
    fill(queue, 3);
    try (ShareChild child = ShareChild.start(rig, lease, 3)) {
      Set<String> held = child.held();
      assertThat(queue.poll(4, Duration.ofSeconds(1))).isEmpty();
      child.suspend();
      Duration bound = lease.plus(queue.capabilities().lateness()).plus(BUSY);
      assertThat(takeBack(queue, held, bound)).isEmpty();
      child.resume();
      assertThat(child.ackAll()).containsExactly("STALE", "STALE", "STALE");
    }
    assertThat(queue.poll(1, Duration.ofSeconds(2))).isEmpty();
  }
}
