package dev.forebay.queue.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.dedup.Claim;
import dev.forebay.queue.dedup.ClaimOutcome;
import dev.forebay.queue.dedup.DedupStore;
import dev.forebay.queue.dedup.InMemoryDedupStore;
import dev.forebay.queue.memory.InMemoryStore;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import dev.forebay.queue.time.ManualTimeSource;
import dev.forebay.queue.worker.Worker;
import dev.forebay.queue.worker.WorkerBuilder;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** W7: the meters of a worker that works, under virtual time. */
class WorkerGaugesTest {

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final MeterRegistry registry = new SimpleMeterRegistry();
  private final ManualTimeSource time = new ManualTimeSource();
  private final InMemoryStore store = new InMemoryStore(time);
  private final WorkQueue queue = queue("prompts");
  private final WorkerMeters meters = meters();
  private final CountDownLatch finish = new CountDownLatch(1);

  @AfterEach
  void end() {
    finish.countDown();
  }

  private WorkQueue queue(String name) {
    return InMemoryWorkQueue.builder(name).store(store).lease(Duration.ofSeconds(30)).build();
  }

  private WorkerMeters meters() {
    return WorkerMeters.builder(registry, "prompts").acceptableAge(Duration.ofSeconds(10)).build();
  }

  private WorkerBuilder worker(WorkQueue on) {
    return Worker.builder(on).time(time).listener(meters);
  }

  private static void enqueue(WorkQueue on, int count) {
    for (int i = 0; i < count; i++) {
      on.enqueue(Message.text("m" + i)).join().orThrow();
    }
  }

  private double gauge(String name, String... tags) {
    return registry
        .get("forebay.worker." + name)
        .tags("queue", "prompts")
        .tags(tags)
        .gauge()
        .value();
  }

  private double counter(String name, String of) {
    return registry.get("forebay.worker." + name).tags("queue", of).counter().count();
  }

  private static void awaitIdle(Worker worker, long handled) {
    await()
        .atMost(LIMIT)
        .until(() -> worker.stats().handled() == handled && worker.stats().running() == 0);
  }

  @Test
  void W7_gaugesShowTheWorkerAndWhatItsBacklogCallsFor() throws Exception {
    enqueue(queue, 12);
    CountDownLatch started = new CountDownLatch(2);
    // Fair, so that it is those who have waited who go on.
    Semaphore may = new Semaphore(0, true);
    try (Worker worker =
            worker(queue)
                .slots(2)
                .handler(
                    (delivery, context) -> {
                      started.countDown();
                      may.acquire();
                    })
                .start();
        WorkerMeters.Binding unused = meters.bind(worker)) {
      started.await();
      assertThat(gauge("slots")).isEqualTo(2);
      assertThat(gauge("concurrency")).isEqualTo(2);
      assertThat(gauge("in.flight")).isEqualTo(2);
      time.advance(Duration.ofSeconds(5));
      may.release(2);
      await().atMost(LIMIT).until(() -> worker.stats().handlerTime().count() == 2);
      await().atMost(LIMIT).until(() -> queue.depth().backlog() == 10);
      assertThat(gauge("backlog")).isEqualTo(10);
      assertThat(gauge("oldest.age")).isEqualTo(5);
      // Two handlers of 5 s get through 4 in 10 s.
      assertThat(gauge("desired.workers")).isEqualTo(3);
      assertThat(gauge("drain")).isEqualTo(25);
      may.release(10);
      awaitIdle(worker, 12);
      assertThat(gauge("backlog")).as("kept for ten seconds").isEqualTo(10);
    }
  }

  @Test
  void W7_allLanesCountAndAreToldApart() {
    WorkQueue batch = queue("batch");
    enqueue(queue, 2);
    enqueue(batch, 3);
    time.advance(Duration.ofSeconds(7));
    enqueue(queue, 1);
    try (Worker worker =
            worker(queue)
                .lane(batch, 2)
                .slots(1)
                .handler((delivery, context) -> finish.await())
                .start();
        WorkerMeters.Binding unused = meters.bind(worker)) {
      assertThat(gauge("backlog")).isEqualTo(6);
      assertThat(gauge("oldest.age")).isEqualTo(7);
      finish.countDown();
      awaitIdle(worker, 6);
      assertThat(counter("received", "prompts")).isEqualTo(3);
      assertThat(counter("received", "batch")).isEqualTo(3);
    }
  }

  @Test
  void W7_anUnboundWorkersGaugesAreGoneAndOthersTakeTheirPlace() {
    try (Worker first = worker(queue).slots(3).handler((d, c) -> {}).start()) {
      WorkerMeters.Binding binding = meters.bind(first);
      assertThat(gauge("slots")).isEqualTo(3);
      binding.close();
      binding.close();
      assertThat(registry.find("forebay.worker.slots").gauge()).isNull();
      assertThat(registry.find("forebay.worker.backlog").gauge()).isNull();
    }
    WorkerMeters again = meters();
    try (Worker second = worker(queue).slots(5).handler((d, c) -> {}).start()) {
      WorkerMeters.Binding unused = again.bind(second);
      assertThat(gauge("slots")).isEqualTo(5);
    }
  }

  @Test
  void W7_aWorkerThatHasEndedIsLetGoWithoutBeingUnbound() {
    WorkerMeters.Binding old;
    try (Worker first = worker(queue).slots(3).handler((d, c) -> {}).start()) {
      old = meters.bind(first);
    }
    assertThat(gauge("slots")).isZero();
    assertThat(gauge("desired.workers")).isNaN();
    WorkerMeters later = meters();
    try (Worker second = worker(queue).slots(5).handler((d, c) -> {}).start()) {
      WorkerMeters.Binding unused = later.bind(second);
      assertThat(gauge("slots")).isEqualTo(5);
      assertThat(gauge("desired.workers")).isZero();
      old.close();
      assertThat(gauge("slots")).as("the later one's are left alone").isEqualTo(5);
    }
  }

  @Test
  void W7_severalWorkersOfOneNameAreSummed() {
    enqueue(queue, 8);
    try (Worker first = worker(queue).slots(2).handler((d, c) -> finish.await()).start();
        Worker second = worker(queue).slots(4).handler((d, c) -> finish.await()).start()) {
      WorkerMeters.Binding unbound = meters.bind(first);
      WorkerMeters.Binding unused = meters.bind(second);
      assertThat(gauge("slots")).isEqualTo(6);
      assertThat(gauge("backlog")).as("one queue, not two").isEqualTo(8);
      unbound.close();
      assertThat(gauge("slots")).isEqualTo(4);
      finish.countDown();
    }
  }

  /** Lost while it ran, and lost unnoticed before the ack. */
  @Test
  void W2_wastedSecondsAreThoseOfTheStats() throws Exception {
    WorkQueue unextended =
        new ForwardingWorkQueue(queue) {
          @Override
          public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
            return CompletableFuture.completedFuture(Settlement.UNKNOWN);
          }
        };
    enqueue(queue, 1);
    Semaphore started = new Semaphore(0);
    Semaphore may = new Semaphore(0);
    AtomicBoolean third = new AtomicBoolean();
    try (Worker worker =
            worker(unextended)
                // Looks every 9 s: the end of a lease at 30 s is noticed at 36 s.
                .leases(LeasePolicy.defaults().jitter(0).extendAfter(0.6))
                .handler(
                    (delivery, context) -> {
                      started.release();
                      if (!third.get()) {
                        may.acquireUninterruptibly();
                      }
                    })
                .start();
        WorkerMeters.Binding unused = meters.bind(worker)) {
      started.acquire();
      for (int i = 0; i < 31; i++) {
        time.advance(SECOND);
      }
      may.release();
      started.acquire();
      assertThat(worker.stats().staleSettlements()).isEqualTo(1);
      assertThat(counter("wasted", "prompts")).as("a late ack").isEqualTo(31);
      assertThat(counter("extensions.failed", "prompts")).isEqualTo(2);
      for (int i = 0; i < 40; i++) {
        time.advance(SECOND);
      }
      assertThat(gauge("hung")).isEqualTo(1);
      third.set(true);
      may.release();
      started.acquire();
      await().atMost(LIMIT).until(() -> worker.stats().running() == 0);
      assertThat(gauge("hung")).isZero();
      assertThat(counter("wasted", "prompts"))
          .isEqualTo(71)
          .isEqualTo((double) worker.stats().wasted().toSeconds());
      assertThat(counter("leases.lost", "prompts"))
          .isEqualTo(2)
          .isEqualTo((double) worker.stats().leaseLost());
      assertThat(
              registry
                  .get("forebay.worker.attempts")
                  .tags("cause", "lease_lost")
                  .summary()
                  .totalAmount())
          .as("0, 1 and 2 before")
          .isEqualTo(3);
    }
  }

  @Test
  void W7_extensionsAndDrainingShow() throws Exception {
    enqueue(queue, 1);
    CountDownLatch started = new CountDownLatch(1);
    Worker worker =
        worker(queue)
            .leases(LeasePolicy.defaults().jitter(0))
            .handler(
                (delivery, context) -> {
                  started.countDown();
                  finish.await();
                })
            .start();
    started.await();
    for (int i = 0; i < 10; i++) {
      time.advance(SECOND);
    }
    Timer margin = registry.get("forebay.worker.lease.margin").timer();
    assertThat(margin.count()).isEqualTo(1);
    assertThat(margin.totalTime(TimeUnit.SECONDS)).isEqualTo(20);
    assertThat(gauge("draining")).isZero();
    CompletableFuture<Void> closed = CompletableFuture.runAsync(worker::close);
    await().atMost(LIMIT).until(() -> gauge("draining") == 1);
    finish.countDown();
    closed.get(30, TimeUnit.SECONDS);
    assertThat(gauge("draining")).isZero();
    assertThat(registry.get("forebay.worker.drained").timer().count()).isEqualTo(1);
  }

  @Test
  void W7_aStoreThatIsDownShows() {
    DedupStore memory = InMemoryDedupStore.builder().time(time).build();
    AtomicBoolean down = new AtomicBoolean(true);
    DedupStore flaky =
        new DedupStore() {
          private DedupStore target() {
            if (down.get()) {
              throw new IllegalStateException("made up");
            }
            return memory;
          }

          @Override
          public CompletableFuture<ClaimOutcome> claim(Claim claim, Duration term) {
            return target().claim(claim, term);
          }

          @Override
          public CompletableFuture<Boolean> extend(Claim claim, Duration term) {
            return target().extend(claim, term);
          }

          @Override
          public CompletableFuture<Boolean> complete(
              Claim claim, byte[] result, Duration retention) {
            return target().complete(claim, result, retention);
          }

          @Override
          public CompletableFuture<Boolean> release(Claim claim) {
            return target().release(claim);
          }
        };
    enqueue(queue, 1);
    try (Worker worker = worker(queue).dedup(flaky).handler((d, c) -> {}).start()) {
      awaitIdle(worker, 1);
      assertThat(gauge("store", "store", "dedup")).isZero();
      down.set(false);
      enqueue(queue, 1);
      awaitIdle(worker, 2);
      assertThat(gauge("store", "store", "dedup")).isEqualTo(1);
    }
  }
}
