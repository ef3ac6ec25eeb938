package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Closing drains, within its grace time, and leaves nothing behind (S1, I17). */
class WorkerCloseTest {

  private final Rig rig = new Rig();
  private final CountDownLatch started = new CountDownLatch(1);
  private final CountDownLatch finish = new CountDownLatch(1);
  private final ExecutorService helper = Executors.newCachedThreadPool();

  @AfterEach
  void end() {
    finish.countDown();
    helper.shutdownNow();
  }

  private Future<?> closeAside(Worker worker) {
    return helper.submit(worker::close);
  }

  /** When the closing thread waits it has taken out what waited. */
  private Future<?> closeAsideUntilItWaits(Worker worker) {
    AtomicReference<Thread> closer = new AtomicReference<>();
    Future<?> closed =
        helper.submit(
            () -> {
              closer.set(Thread.currentThread());
              worker.close();
            });
    Rig.eventually(
        "closing waits",
        () -> closer.get() != null && closer.get().getState() == Thread.State.WAITING);
    return closed;
  }

  @Test
  void S1_anIdleWorkerClosesWithoutWaitingForItsPollAndTwiceIsOnce() {
    Worker worker = rig.worker().pollWait(Duration.ofDays(1)).handler((d, c) -> {}).start();
    Rig.eventually("polling", () -> rig.time.pendingTimers() > 0);
    worker.close();
    worker.close();
    assertNoThreads(rig.name);
    rig.enqueue("after");
    rig.awaitDepth(1, 0, 0);
  }

  @Test
  void S1_runningHandlersFinishWithTheirLeasesExtendedAndAreAcked() throws Exception {
    rig.enqueue("long");
    Worker worker =
        rig.worker()
            .grace(Duration.ofHours(1))
            .leases(LeasePolicy.defaults().jitter(0))
            .handler(
                (delivery, context) -> {
                  started.countDown();
                  finish.await();
                })
            .start();
    started.await();
    rig.enqueue("not taken any more");
    Future<?> closed = closeAside(worker);
    Rig.eventually("closing waits", () -> rig.time.pendingTimers() >= 2);
    rig.advanceInSteps(Rig.LEASE.multipliedBy(3), Duration.ofSeconds(1));
    assertThat(closed).isNotDone();
    assertThat(worker.stats().extensions()).isGreaterThanOrEqualTo(8);
    finish.countDown();
    closed.get(30, TimeUnit.SECONDS);
    assertThat(worker.stats().handled()).isEqualTo(1);
    rig.awaitDepth(1, 0, 0);
    assertNoThreads(rig.name);
  }

  @Test
  void S1_whatWasReceivedButNotStartedIsGivenBackAtOnce() throws Exception {
    rig.enqueue("a");
    CountDownLatch polled = new CountDownLatch(1);
    WorkQueue late =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public List<Delivery> poll(int max, Duration wait) {
            List<Delivery> taken = super.poll(max, wait);
            if (!taken.isEmpty()) {
              started.countDown();
              uninterruptibly(polled);
            }
            return taken;
          }
        };
    AtomicInteger ran = new AtomicInteger();
    Worker worker = rig.worker(late).handler((d, c) -> ran.incrementAndGet()).start();
    started.await();
    Future<?> closed = closeAside(worker);
    Rig.eventually("closing waits", () -> rig.time.pendingTimers() > 0);
    polled.countDown();
    closed.get(30, TimeUnit.SECONDS);
    assertThat(ran).hasValue(0);
    Delivery back = rig.queue.poll(Duration.ZERO).orElseThrow();
    assertThat(back.attempts()).isEqualTo(new Attempts(0, 0, 1));
    assertThat(worker.stats().returned()).isEqualTo(1);
  }

  /**
   * The poll has brought it before the close began, and it joins the line after the closing thread
   * has looked there. Nothing makes it startable: its batch lingers for an hour.
   */
  @Test
  void S1_whatJoinsTheLineWhileClosingIsGivenBackAtOnce() throws Exception {
    CountDownLatch received = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    Worker worker =
        rig.worker()
            .listener(
                new WorkerListener() {
                  @Override
                  public void received(Delivery delivery) {
                    received.countDown();
                    uninterruptibly(goOn);
                  }
                })
            .batches(BatchOptions.of(10).linger(Duration.ofHours(1)), items -> {})
            .start();
    rig.enqueue("late");
    received.await();
    Future<?> closed = closeAsideUntilItWaits(worker);
    goOn.countDown();
    closed.get(30, TimeUnit.SECONDS);
    assertThat(rig.queue.poll(Duration.ZERO).orElseThrow().attempts())
        .isEqualTo(new Attempts(0, 0, 1));
    assertThat(worker.stats().returned()).isEqualTo(1);
    assertNoThreads(rig.name);
  }

  /** One whose lease had to be extended comes back to a line whose places are all taken. */
  @Test
  void S1_whatComesBackToTheLineWhileClosingIsGivenBackAtOnce() throws Exception {
    CompletableFuture<Settlement> answer = new CompletableFuture<>();
    AtomicInteger asked = new AtomicInteger();
    WorkQueue slow =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
            if (!delivery.message().text().equals("waits")) {
              return super.extend(delivery, lease);
            }
            asked.incrementAndGet();
            return answer.thenCompose(go -> super.extend(delivery, lease));
          }
        };
    AtomicInteger limit = new AtomicInteger(1);
    CountDownLatch both = new CountDownLatch(2);
    Worker worker =
        rig.worker(slow)
            .slots(2)
            .prefetch(2)
            .grace(Duration.ofHours(1))
            .leases(LeasePolicy.defaults().jitter(0))
            .concurrencyLimit(new AsTold(limit))
            .handler(
                (delivery, context) -> {
                  both.countDown();
                  finish.await();
                })
            .start();
    rig.enqueue("runs");
    Rig.eventually("one runs", () -> both.getCount() == 1);
    rig.enqueue("waits");
    Rig.eventually("one waits", () -> worker.stats().running() == 2);
    rig.advanceInSteps(Rig.LEASE.multipliedBy(6).dividedBy(10), Duration.ofSeconds(1));
    assertThat(asked).as("by the heartbeat").hasValue(1);
    limit.set(2);
    rig.enqueue("runs too");
    both.await();
    assertThat(asked).as("before its start").hasValue(2);
    Future<?> closed = closeAsideUntilItWaits(worker);
    assertThat(worker.stats().returned()).isZero();
    answer.complete(Settlement.OK);
    rig.awaitDepth(1, 2, 0);
    rig.awaitStats(worker, stats -> stats.returned() == 1);
    finish.countDown();
    closed.get(30, TimeUnit.SECONDS);
    assertThat(worker.stats().handled()).isEqualTo(2);
  }

  private record AsTold(AtomicInteger limits) implements ConcurrencyLimit {
    @Override
    public int limit() {
      return limits.get();
    }

    @Override
    public void ended(Duration ran, int running, boolean dropped) {}
  }

  @Test
  void S1_aListenerMayCloseItsOwnWorkerOnTheThreadOfThePoll() throws Exception {
    AtomicReference<Worker> self = new AtomicReference<>();
    CountDownLatch set = new CountDownLatch(1);
    Worker worker =
        rig.worker()
            .grace(Duration.ofDays(1))
            .listener(
                new WorkerListener() {
                  @Override
                  public void received(Delivery delivery) {
                    uninterruptibly(set);
                    self.get().close();
                  }
                })
            .handler((delivery, context) -> {})
            .start();
    self.set(worker);
    rig.enqueue("a");
    set.countDown();
    assertNoThreads(rig.name);
    worker.close();
    rig.awaitDepth(1, 0, 0);
  }

  @Test
  void S1_aStepMayCloseItsOwnWorker() throws Exception {
    AtomicReference<Worker> self = new AtomicReference<>();
    CountDownLatch set = new CountDownLatch(1);
    Worker worker =
        rig.worker()
            .grace(Duration.ofDays(1))
            .expired(
                Expiry.call(
                    delivery -> {
                      uninterruptibly(set);
                      self.get().close();
                    }))
            .handler((delivery, context) -> {})
            .start();
    self.set(worker);
    rig.queue.enqueue(Message.text("late").deadline(rig.time.now())).join().orThrow();
    set.countDown();
    assertNoThreads(rig.name);
    worker.close();
    rig.awaitDepth(0, 0, 0);
  }

  private static void uninterruptibly(CountDownLatch latch) {
    boolean interrupted = false;
    while (true) {
      try {
        latch.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void S1_afterTheGraceTimeHandlersAreInterruptedAndWhatThrewIsGivenBack() throws Exception {
    rig.enqueue("throws");
    rig.enqueue("returns");
    CountDownLatch both = new CountDownLatch(2);
    Worker worker =
        rig.worker()
            .slots(2)
            .handler(
                (delivery, context) -> {
                  both.countDown();
                  try {
                    finish.await();
                  } catch (InterruptedException e) {
                    if (delivery.message().text().equals("throws")) {
                      throw new IllegalStateException("interrupted", e);
                    }
                  }
                })
            .start();
    both.await();
    Future<?> closed = closeAside(worker);
    Rig.eventually("closing waits", () -> rig.time.pendingTimers() >= 2);
    rig.advance(Duration.ofMillis(9_999));
    assertThat(closed).isNotDone();
    assertThat(worker.stats().running()).isEqualTo(2);
    rig.advance(Duration.ofMillis(1));
    closed.get(30, TimeUnit.SECONDS);
    assertThat(worker.stats().handled()).isEqualTo(1);
    assertThat(worker.stats().returned()).isEqualTo(1);
    assertThat(worker.stats().failed()).isZero();
    Delivery back = rig.queue.poll(Duration.ZERO).orElseThrow();
    assertThat(back.message().text()).isEqualTo("throws");
    assertThat(back.attempts()).isEqualTo(new Attempts(0, 0, 1));
    assertNoThreads(rig.name);
  }

  @Test
  void S1_aHandlerThatNeverEndsDoesNotKeepTheWorkerAndItsLeaseRunsOut() throws Exception {
    rig.enqueue("hangs");
    Worker worker =
        rig.worker()
            .handler(
                (delivery, context) -> {
                  started.countDown();
                  uninterruptibly(finish);
                })
            .start();
    started.await();
    Future<?> closed = closeAside(worker);
    Rig.eventually("closing waits", () -> rig.time.pendingTimers() >= 2);
    rig.advance(Duration.ofSeconds(10));
    Rig.eventually(
        "last call",
        () -> {
          rig.advance(Duration.ofMillis(100));
          return closed.isDone();
        });
    assertThat(rig.queue.depth().inFlight()).as("not given back while it runs").hasValue(1);
    rig.advance(Rig.LEASE);
    assertThat(rig.queue.depth().visible()).hasValue(1);
    finish.countDown();
    Rig.eventually("ended", () -> worker.stats().running() == 0);
    assertThat(rig.queue.depth().visible()).as("its late result changes nothing").hasValue(1);
    assertNoThreads(rig.name);
  }

  @Test
  void S1_aHandlerMayCloseItsOwnWorker() throws Exception {
    rig.enqueue("last");
    rig.enqueue("stays");
    AtomicReference<Worker> self = new AtomicReference<>();
    CountDownLatch set = new CountDownLatch(1);
    Worker worker =
        rig.worker()
            .handler(
                (delivery, context) -> {
                  set.await();
                  self.get().close();
                  self.get().close();
                })
            .start();
    self.set(worker);
    set.countDown();
    rig.awaitStats(worker, stats -> stats.handled() == 1);
    worker.close();
    rig.awaitDepth(1, 0, 0);
    assertNoThreads(rig.name);
  }

  @Test
  void S1_closingWaitsForSettlementsUnderWay() throws Exception {
    rig.enqueue("a");
    CompletableFuture<Settlement> answer = new CompletableFuture<>();
    WorkQueue slow =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public CompletableFuture<Settlement> ack(Delivery delivery) {
            return answer.thenCompose(go -> super.ack(delivery));
          }
        };
    Worker worker = rig.worker(slow).handler((d, c) -> started.countDown()).start();
    started.await();
    rig.awaitStats(worker, stats -> stats.running() == 0);
    Future<?> closed = closeAside(worker);
    Rig.eventually("closing waits", () -> rig.time.pendingTimers() >= 2);
    assertThat(closed).isNotDone();
    assertThat(worker.stats().handled()).as("not confirmed").isZero();
    answer.complete(Settlement.OK);
    closed.get(30, TimeUnit.SECONDS);
    assertThat(worker.stats().handled()).isEqualTo(1);
    rig.awaitDepth(0, 0, 0);
  }

  @Test
  void S1_closingDoesNotWaitForSettlementsForEver() throws Exception {
    rig.enqueue("a");
    WorkQueue mute =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public CompletableFuture<Settlement> ack(Delivery delivery) {
            return new CompletableFuture<>();
          }
        };
    Worker worker = rig.worker(mute).handler((d, c) -> started.countDown()).start();
    started.await();
    Future<?> closed = closeAside(worker);
    Rig.eventually(
        "closed",
        () -> {
          rig.advance(Duration.ofMillis(100));
          return closed.isDone();
        });
    assertNoThreads(rig.name);
  }

  @Test
  void S1_anInterruptOfTheClosingThreadEndsTheGraceTime() throws Exception {
    rig.enqueue("a");
    Worker worker =
        rig.worker()
            .handler(
                (delivery, context) -> {
                  started.countDown();
                  finish.await();
                })
            .start();
    started.await();
    AtomicBoolean flag = new AtomicBoolean();
    Thread closer =
        new Thread(
            () -> {
              worker.close();
              flag.set(Thread.currentThread().isInterrupted());
            });
    closer.start();
    Rig.eventually("closing waits", () -> rig.time.pendingTimers() >= 2);
    closer.interrupt();
    closer.join(30_000);
    assertThat(closer.isAlive()).isFalse();
    assertThat(flag).as("the flag stays set").isTrue();
    assertThat(worker.stats().returned()).isEqualTo(1);
  }

  @Test
  void S1_aQueueWhosePollDoesNotEndDoesNotKeepTheWorker() throws Exception {
    rig.enqueue("a");
    WorkQueue hung =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public List<Delivery> poll(int max, Duration wait) {
            List<Delivery> taken = super.poll(max, wait);
            started.countDown();
            uninterruptibly(finish);
            return taken;
          }
        };
    Worker worker = rig.worker(hung).handler((d, c) -> {}).start();
    started.await();
    Future<?> closed = closeAside(worker);
    Rig.eventually(
        "closed",
        () -> {
          rig.advance(Duration.ofMillis(100));
          return closed.isDone();
        });
    finish.countDown();
    // What it brings after all is given back, not kept until its lease ends.
    rig.awaitDepth(1, 0, 0);
    assertNoThreads(rig.name);
  }

  @Test
  void S3_aClosedQueueEndsItsWorker() {
    Worker worker = rig.worker().handler((d, c) -> {}).start();
    Rig.eventually("polling", () -> rig.time.pendingTimers() > 0);
    rig.queue.close();
    assertNoThreads(rig.name);
    worker.close();
  }

  /** 10,000 random moments to close at are the release's figure; here fewer, each in real time. */
  @RepeatedTest(60)
  @Timeout(60)
  void I17_closingAtAnyMomentLosesNothing() throws Exception {
    int count = 300;
    String name = "close-" + System.identityHashCode(this);
    InMemoryWorkQueue queue = InMemoryWorkQueue.builder(name).build();
    for (int i = 0; i < count; i++) {
      queue.enqueue(Message.text("m" + i));
    }
    List<String> done = Collections.synchronizedList(new ArrayList<>());
    AtomicBoolean closed = new AtomicBoolean();
    AtomicInteger startedAfterClose = new AtomicInteger();
    AtomicInteger released = new AtomicInteger();
    WorkQueue counting =
        new ForwardingWorkQueue(queue) {
          @Override
          public CompletableFuture<Settlement> release(
              Delivery delivery, Duration delay, ReleaseCause cause) {
            released.incrementAndGet();
            return super.release(delivery, delay, cause);
          }
        };
    int closeAfter = (int) (Math.abs(name.hashCode() % 100) / 100.0 * count);
    CountDownLatch some = new CountDownLatch(closeAfter);
    Worker worker =
        Worker.builder(counting)
            .slots(1 + closeAfter % 17)
            .handler(
                (delivery, context) -> {
                  if (closed.get()) {
                    startedAfterClose.incrementAndGet();
                  }
                  done.add(delivery.message().text());
                  some.countDown();
                })
            .start();
    some.await();
    worker.close();
    closed.set(true);
    assertThat(startedAfterClose).hasValue(0);
    assertThat(queue.depth().inFlight()).as("everything held was settled").hasValue(0);
    assertThat(queue.depth().visible().orElseThrow() + done.size()).isEqualTo(count);
    assertThat(done).doesNotHaveDuplicates();
    assertThat(worker.stats().returned()).isEqualTo(released.get());
    assertNoThreads(name);
    queue.close();
  }

  /** No thread of a worker on this queue is alive. */
  static void assertNoThreads(String queueName) {
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(
            () ->
                assertThat(Thread.getAllStackTraces().keySet().stream().map(Thread::getName))
                    .noneMatch(
                        name ->
                            name.equals("forebay-worker-" + queueName)
                                || name.startsWith("forebay-worker-" + queueName + "-")));
  }
}
