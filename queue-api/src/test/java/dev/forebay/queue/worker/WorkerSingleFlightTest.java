package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.dedup.DedupOptions;
import dev.forebay.queue.policy.LeasePolicy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Equal work waits for the one that runs no longer than that one has its lease (L2, U2). */
class WorkerSingleFlightTest {

  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration RUN_TIME = Duration.ofMinutes(2);

  private static final DedupOptions BY_TEXT =
      DedupOptions.defaults().key(delivery -> DedupKey.of(delivery.message().text()));

  private final Rig rig = new Rig();
  private final TestDedupStore store = new TestDedupStore(rig.time);
  private final List<String> ran = new CopyOnWriteArrayList<>();
  private final CountDownLatch started = new CountDownLatch(1);
  private final CountDownLatch finish = new CountDownLatch(1);

  private void hangAtFirst(Delivery delivery, HandlerContext context) {
    ran.add(delivery.message().text());
    if (ran.size() > 1) {
      return;
    }
    started.countDown();
    while (finish.getCount() > 0) {
      try {
        finish.await();
      } catch (InterruptedException e) {
        // That is what a hung handler does.
      }
    }
  }

  private Worker worker(int slots) {
    return rig.worker()
        .slots(slots)
        .leases(LeasePolicy.defaults().jitter(0).maxRunTime(RUN_TIME))
        .dedup(store, BY_TEXT)
        .handler(this::hangAtFirst)
        .start();
  }

  /** The handler still hangs, and the work is done all the same, once. */
  private void awaitDoneBesideTheHungOne(Worker worker) {
    Rig.eventually(
        "done",
        () -> {
          rig.advance(SECOND);
          return worker.stats().handled() == 1 && worker.stats().running() == 1;
        });
    rig.awaitDepth(0, 0, 0);
    assertThat(ran).containsExactly("a", "a");
    assertThat(worker.stats().leaseLost()).isEqualTo(1);
    finish.countDown();
    rig.awaitStats(worker, stats -> stats.running() == 0);
    assertThat(worker.stats().handled()).as("late result").isEqualTo(1);
    rig.enqueue("a");
    rig.awaitStats(worker, stats -> stats.running() == 0);
    rig.awaitDepth(0, 0, 0);
    assertThat(ran).as("it is known to be finished").hasSize(2);
  }

  @Test
  void L2_theRedeliveryOfAHungHandlersMessageDoesNotWaitForIt() throws Exception {
    rig.enqueue("a");
    try (Worker worker = worker(2)) {
      started.await();
      rig.advanceInSteps(RUN_TIME.plus(Rig.LEASE), SECOND);
      awaitDoneBesideTheHungOne(worker);
    }
  }

  @Test
  void L2_whatFollowsAHungHandlerRunsWhenThatOneHasLostItsLease() throws Exception {
    rig.enqueue("a");
    // All slots are taken, so nothing is delivered that might wake the one that waits.
    try (Worker worker = worker(2)) {
      started.await();
      rig.enqueue("a");
      rig.awaitDepth(0, 2, 0);
      Rig.eventually("it follows", () -> worker.stats().running() == 2);
      rig.advanceInSteps(RUN_TIME, SECOND);
      assertThat(ran).hasSize(1);
      rig.advanceInSteps(Rig.LEASE, SECOND);
      awaitDoneBesideTheHungOne(worker);
    }
  }
}
