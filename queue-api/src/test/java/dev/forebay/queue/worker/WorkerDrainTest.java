package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.progress.InMemoryProgressStore;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a closing worker does about running handlers: {@link Drain} (S1, R2). */
class WorkerDrainTest {

  private static final Duration LONG = Duration.ofHours(1);
  private static final byte[] NO_PROGRESS = {};

  private final Rig rig = new Rig();
  private final CountDownLatch started = new CountDownLatch(1);
  private final CountDownLatch finish = new CountDownLatch(1);
  private final ExecutorService helper = Executors.newCachedThreadPool();

  @AfterEach
  void end() {
    finish.countDown();
    helper.shutdownNow();
  }

  private static void uninterruptibly(CountDownLatch latch) {
    while (true) {
      try {
        latch.await();
        return;
      } catch (InterruptedException e) {
        // Such handlers exist: native code, for one.
      }
    }
  }

  /** A handler that looks every now and then, as one that generates tokens does. */
  private void loop(HandlerContext context) {
    started.countDown();
    while (finish.getCount() > 0) {
      context.checkpoint(NO_PROGRESS);
      // On virtual threads two handlers that never do so keep two cores from the third.
      Thread.yield();
    }
  }

  private void assertReturnedWithoutAnAttempt(Worker worker, int count) {
    // A poll that was ending may have taken one of them again, and given it back once more.
    assertThat(worker.stats().returned()).isGreaterThanOrEqualTo(count);
    assertThat(worker.stats().failed()).isZero();
    List<Delivery> back = rig.queue.poll(count + 1, Duration.ZERO);
    assertThat(back).hasSize(count);
    assertThat(back)
        .extracting(Delivery::attempts)
        .allSatisfy(
            attempts ->
                assertThat(attempts)
                    .isEqualTo(new Attempts(0, 0, attempts.returned()))
                    .extracting(Attempts::returned)
                    .asInstanceOf(InstanceOfAssertFactories.INTEGER)
                    .isPositive());
    WorkerCloseTest.assertNoThreads(rig.name);
  }

  /** No time passes, though there is an hour of grace. */
  @Test
  void S1_handBack_interruptsAtOnceAndReturnsWithoutAnAttempt() throws Exception {
    rig.enqueue("a");
    rig.enqueue("b");
    CountDownLatch both = new CountDownLatch(2);
    Worker worker =
        rig.worker()
            .slots(2)
            .grace(LONG)
            .drain(Drain.HAND_BACK)
            .handler(
                (delivery, context) -> {
                  both.countDown();
                  finish.await();
                })
            .start();
    both.await();
    worker.close();
    assertReturnedWithoutAnAttempt(worker, 2);
  }

  @Test
  void S1_handBack_whatIsDoneAllTheSameIsAcked() throws Exception {
    rig.enqueue("a");
    Worker worker =
        rig.worker()
            .grace(LONG)
            .drain(Drain.HAND_BACK)
            .handler(
                (delivery, context) -> {
                  started.countDown();
                  try {
                    finish.await();
                  } catch (InterruptedException e) {
                    // Was just about to be done.
                  }
                })
            .start();
    started.await();
    worker.close();
    assertThat(worker.stats().handled()).isEqualTo(1);
    assertThat(worker.stats().returned()).isZero();
    rig.awaitDepth(0, 0, 0);
  }

  @Test
  void S1_handBack_aHandlerThatDoesNotStopKeepsItsMessageWhileItRuns() throws Exception {
    rig.enqueue("a");
    Worker worker =
        rig.worker()
            .drain(Drain.HAND_BACK)
            .handler(
                (delivery, context) -> {
                  started.countDown();
                  uninterruptibly(finish);
                  throw new IllegalStateException("interrupted at last");
                })
            .start();
    started.await();
    Future<?> closed = helper.submit(worker::close);
    Rig.eventually("closing waits", () -> rig.time.pendingTimers() >= 2);
    rig.advance(Duration.ofSeconds(9));
    assertThat(closed).as("it has all of the grace time to end").isNotDone();
    rig.awaitDepth(0, 1, 0);
    finish.countDown();
    closed.get(30, TimeUnit.SECONDS);
    assertReturnedWithoutAnAttempt(worker, 1);
  }

  /** It was asked about by a step when the close began, and is cut short before it starts. */
  @Test
  void S1_handBack_whatIsAboutToStartDoesNot() throws Exception {
    rig.enqueue("a");
    AtomicInteger ran = new AtomicInteger();
    TestDedupStore store = new TestDedupStore(rig.time);
    store.state = TestDedupStore.State.SILENT;
    Worker worker =
        rig.worker()
            .grace(LONG)
            .drain(Drain.HAND_BACK)
            .dedup(store)
            .handler((delivery, context) -> ran.incrementAndGet())
            .start();
    Rig.eventually("the store is asked", () -> store.failed.get() == 1);
    Future<?> closed = helper.submit(worker::close);
    Rig.eventually(
        "closed",
        () -> {
          rig.advance(Duration.ofMillis(500));
          return closed.isDone();
        });
    assertThat(ran).hasValue(0);
    assertReturnedWithoutAnAttempt(worker, 1);
  }

  @Test
  void S1_theDrainMayBeAnotherThanTheBuilders() throws Exception {
    rig.enqueue("a");
    Worker worker =
        rig.worker()
            .grace(LONG)
            .handler(
                (delivery, context) -> {
                  started.countDown();
                  finish.await();
                })
            .start();
    started.await();
    worker.drain(Drain.HAND_BACK);
    assertReturnedWithoutAnAttempt(worker, 1);
  }

  @Test
  void S1_checkpoint_endsAHandlerWhereItSavesItsProgress() throws Exception {
    rig.enqueue("a");
    InMemoryProgressStore store = InMemoryProgressStore.builder().time(rig.time).build();
    AtomicInteger reached = new AtomicInteger();
    Worker first =
        rig.worker()
            .grace(LONG)
            .drain(Drain.CHECKPOINT)
            .progress(store)
            .handler(
                (delivery, context) -> {
                  for (byte step = 1; ; step++) {
                    reached.set(step);
                    if (step == 3) {
                      started.countDown();
                      Rig.eventually("draining", context::isDraining);
                    }
                    context.checkpoint(new byte[] {step});
                  }
                })
            .start();
    started.await();
    first.close();
    assertThat(reached).as("no step after the one in which the drain began").hasValue(3);
    assertThat(first.stats().returned()).isEqualTo(1);
    AtomicReference<byte[]> from = new AtomicReference<>();
    AtomicReference<Attempts> attempts = new AtomicReference<>();
    try (Worker second =
        rig.worker()
            .progress(store)
            .handler(
                (delivery, context) -> {
                  attempts.set(delivery.attempts());
                  from.set(context.progress().orElseThrow());
                })
            .start()) {
      rig.awaitStats(second, stats -> stats.handled() == 1 && stats.running() == 0);
    }
    assertThat(from.get()).containsExactly(3);
    assertThat(attempts).hasValue(new Attempts(0, 0, 1));
    assertThat(store.size()).as("forgotten with the ack").isZero();
  }

  /** Nothing is known of its progress then, but it is still the place to stop. */
  @Test
  void S1_checkpoint_stopsWithoutAStoreToo() throws Exception {
    rig.enqueue("a");
    Worker worker =
        rig.worker()
            .grace(LONG)
            .drain(Drain.CHECKPOINT)
            .handler((delivery, context) -> loop(context))
            .start();
    started.await();
    worker.close();
    assertReturnedWithoutAnAttempt(worker, 1);
  }

  @Test
  void S1_checkpoint_countsWhateverTheHandlerMakesOfIt() throws Exception {
    Set<String> reached = ConcurrentHashMap.newKeySet();
    CountDownLatch all = new CountDownLatch(3);
    for (String how : List.of("wrapped", "swallowed", "replaced")) {
      rig.enqueue(how);
    }
    Worker worker =
        rig.worker()
            .slots(3)
            .grace(LONG)
            .drain(Drain.CHECKPOINT)
            .handler(
                (delivery, context) -> {
                  all.countDown();
                  try {
                    loop(context);
                  } catch (GiveBackException e) {
                    String how = delivery.message().text();
                    reached.add(how);
                    if (how.equals("wrapped")) {
                      throw new CompletionException(e);
                    } else if (how.equals("replaced")) {
                      throw new IllegalStateException("something failed");
                    }
                  }
                })
            .start();
    all.await();
    worker.close();
    assertThat(reached).hasSize(3);
    assertThat(worker.stats().handled()).isZero();
    assertReturnedWithoutAnAttempt(worker, 3);
  }

  @Test
  void S1_checkpoint_aBatchGoesBackAsAWholeButForWhatIsDecided() throws Exception {
    for (String text : List.of("done", "a", "b", "c")) {
      rig.enqueue(text);
    }
    AtomicInteger calls = new AtomicInteger();
    Worker worker =
        rig.worker()
            .grace(LONG)
            .drain(Drain.CHECKPOINT)
            .batches(
                BatchOptions.of(4),
                items -> {
                  calls.incrementAndGet();
                  items.get(0).decide(Outcome.ack());
                  loop(items.get(2).context());
                })
            .start();
    started.await();
    worker.close();
    assertThat(calls).as("not run again in halves").hasValue(1);
    assertThat(worker.stats().handled()).isEqualTo(1);
    assertReturnedWithoutAnAttempt(worker, 3);
  }

  @Test
  void S1_finish_letsHandlersPassTheirCheckpoints() throws Exception {
    rig.enqueue("a");
    CountDownLatch passed = new CountDownLatch(1);
    Worker worker =
        rig.worker()
            .grace(LONG)
            .handler(
                (delivery, context) -> {
                  started.countDown();
                  Rig.eventually("draining", context::isDraining);
                  context.checkpoint(NO_PROGRESS);
                  passed.countDown();
                })
            .start();
    started.await();
    worker.close();
    assertThat(passed.getCount()).isZero();
    assertThat(worker.stats().handled()).isEqualTo(1);
    rig.awaitDepth(0, 0, 0);
  }

  /** Deaf to interrupts it would go on for ever; it comes by a checkpoint, though. */
  @Test
  void S1_finish_afterTheGraceTimeACheckpointEndsIt() throws Exception {
    rig.enqueue("a");
    Worker worker = rig.worker().handler((delivery, context) -> loop(context)).start();
    started.await();
    Future<?> closed = helper.submit(worker::close);
    Rig.eventually("closing waits", () -> rig.time.pendingTimers() >= 2);
    rig.advance(Duration.ofMillis(9_999));
    assertThat(closed).isNotDone();
    rig.advance(Duration.ofMillis(1));
    closed.get(30, TimeUnit.SECONDS);
    assertReturnedWithoutAnAttempt(worker, 1);
  }

  @Test
  void S1_handlersAreToldOfTheDrainOnceAndHowLongItLasts() throws Exception {
    rig.enqueue("a");
    rig.enqueue("ended before");
    List<String> told = new CopyOnWriteArrayList<>();
    CountDownLatch ready = new CountDownLatch(2);
    Worker worker =
        rig.worker()
            .slots(2)
            .handler(
                (delivery, context) -> {
                  String text = delivery.message().text();
                  assertThat(context.isDraining()).isFalse();
                  assertThat(context.drainRemaining()).isEmpty();
                  context.onDrain(
                      () -> {
                        throw new IllegalStateException("harms nobody");
                      });
                  context.onDrain(() -> told.add(text));
                  ready.countDown();
                  if (text.equals("a")) {
                    finish.await();
                    context.onDrain(() -> told.add("at once"));
                    assertThat(context.isDraining()).isTrue();
                    assertThat(context.drainRemaining()).hasValue(Duration.ofSeconds(7));
                  }
                })
            .start();
    ready.await();
    rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 1);
    Future<?> closed = helper.submit(worker::close);
    Rig.eventually("told", () -> told.equals(List.of("a")));
    Rig.eventually("closing waits", () -> rig.time.pendingTimers() >= 2);
    rig.advance(Duration.ofSeconds(3));
    finish.countDown();
    closed.get(30, TimeUnit.SECONDS);
    assertThat(told).containsExactly("a", "at once");
    assertThat(worker.stats().handled()).isEqualTo(2);
  }

  @Test
  void R2_aHandlerMayGiveBackByThrowing() {
    rig.enqueue("a");
    AtomicInteger times = new AtomicInteger();
    try (Worker worker =
        rig.worker()
            .handler(
                (delivery, context) -> {
                  assertThat(context.attempt()).isEqualTo(1);
                  if (times.incrementAndGet() < 4) {
                    throw new GiveBackException("somebody else's turn");
                  }
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 1);
      assertThat(worker.stats().returned()).isEqualTo(3);
      assertThat(worker.stats().failed()).isZero();
    }
  }
}
