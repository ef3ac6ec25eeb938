package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.progress.InMemoryProgressStore;
import dev.forebay.queue.progress.ProgressStore;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A retry goes on where the attempt before it came to, and a store that fails costs no message. */
class WorkerProgressTest {

  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final Rig rig = new Rig();
  private final InMemoryProgressStore memory =
      InMemoryProgressStore.builder().time(rig.time).build();
  private final List<String> seen = new CopyOnWriteArrayList<>();
  private final CountDownLatch started = new CountDownLatch(1);
  private final CountDownLatch finish = new CountDownLatch(1);
  private final ExecutorService helper = Executors.newCachedThreadPool();

  @AfterEach
  void end() {
    finish.countDown();
    helper.shutdownNow();
  }

  /** What the store does instead of what it should. */
  private static final class Faulty implements ProgressStore {
    private final Supplier<CompletableFuture<?>> answer;
    final AtomicInteger asked = new AtomicInteger();

    Faulty(Supplier<CompletableFuture<?>> answer) {
      this.answer = answer;
    }

    @SuppressWarnings("unchecked")
    private <T> CompletableFuture<T> answer() {
      asked.incrementAndGet();
      return (CompletableFuture<T>) answer.get();
    }

    @Override
    public CompletableFuture<Optional<byte[]>> load(DedupKey work, long token) {
      return answer();
    }

    @Override
    public CompletableFuture<Boolean> save(
        DedupKey work, long token, byte[] progress, Duration retention) {
      return answer();
    }

    @Override
    public CompletableFuture<Boolean> clear(DedupKey work, long token) {
      return answer();
    }
  }

  private static String step(HandlerContext context) {
    return context.attempt() + ":" + context.progress().map(bytes -> bytes[0]).orElse((byte) 0);
  }

  private void failTwice(Delivery delivery, HandlerContext context) {
    seen.add(step(context));
    byte next = (byte) (context.progress().map(bytes -> bytes[0]).orElse((byte) 0) + 1);
    if (context.attempt() < 3) {
      seen.add("saved " + context.saveProgress(new byte[] {next}));
      throw new IllegalStateException("made up");
    }
  }

  private void awaitThirdAttempt(Worker worker) {
    rig.awaitDepth(0, 0, 1);
    rig.advance(Duration.ofSeconds(1));
    Rig.eventually("second attempt", () -> worker.stats().retried() == 2);
    rig.awaitDepth(0, 0, 1);
    rig.advance(Duration.ofSeconds(2));
    rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
  }

  @Test
  void aRetryGoesOnFromTheLastProgressWhichIsForgottenWithTheAck() {
    rig.enqueue("a");
    try (Worker worker = rig.worker().progress(memory).handler(this::failTwice).start()) {
      awaitThirdAttempt(worker);
    }
    assertThat(seen).containsExactly("1:0", "saved true", "2:1", "saved true", "3:2");
    assertThat(memory.size()).isZero();
  }

  /** The third attempt never asks for it, and still it is forgotten. */
  @Test
  void progressThatTheLastAttemptDidNotLookAtIsForgottenToo() {
    rig.enqueue("a");
    try (Worker worker =
        rig.worker()
            .progress(memory)
            .handler(
                (delivery, context) -> {
                  if (context.attempt() == 1) {
                    context.saveProgress(new byte[] {1});
                    throw new IllegalStateException("made up");
                  }
                })
            .start()) {
      rig.awaitDepth(0, 0, 1);
      assertThat(memory.size()).isEqualTo(1);
      rig.advance(Duration.ofSeconds(1));
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
    }
    assertThat(memory.size()).isZero();
  }

  @Test
  void eachMessageHasItsOwn() {
    rig.enqueue("a");
    rig.enqueue("b");
    try (Worker worker =
        rig.worker()
            .slots(2)
            .progress(memory)
            .handler(
                (delivery, context) -> {
                  byte own = (byte) delivery.message().text().charAt(0);
                  if (context.attempt() == 1) {
                    assertThat(context.progress()).isEmpty();
                    context.saveProgress(new byte[] {own});
                    throw new IllegalStateException("made up");
                  }
                  seen.add(step(context));
                  assertThat(context.progress().orElseThrow()).containsExactly(own);
                })
            .start()) {
      rig.awaitDepth(0, 0, 2);
      rig.advance(Duration.ofSeconds(1));
      rig.awaitStats(worker, stats -> stats.handled() == 2);
    }
    assertThat(seen).containsExactlyInAnyOrder("2:97", "2:98");
  }

  /** Its ack may not have arrived: then it comes again, and need not begin anew. */
  @Test
  void progressIsKeptUntilTheAckIsConfirmed() throws Exception {
    rig.enqueue("a");
    AtomicInteger acks = new AtomicInteger();
    WorkQueue lossy =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public CompletableFuture<Settlement> ack(Delivery delivery) {
            return acks.incrementAndGet() == 1
                ? CompletableFuture.completedFuture(Settlement.UNKNOWN)
                : super.ack(delivery);
          }
        };
    try (Worker worker =
        rig.worker(lossy)
            .progress(memory)
            .handler(
                (delivery, context) -> {
                  seen.add(step(context));
                  context.saveProgress(new byte[] {9});
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.unknownSettlements() == 1);
      assertThat(memory.size()).isEqualTo(1);
      rig.advance(Rig.LEASE);
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
    }
    assertThat(seen).containsExactly("1:0", "2:9");
    assertThat(memory.size()).isZero();
  }

  /** A dead letter may be redriven when its cure is found, and then goes on. */
  @Test
  void progressIsKeptWithADeadLetter() {
    rig.enqueue("a");
    try (Worker worker =
        rig.worker()
            .progress(memory)
            .deciding(
                (delivery, context) -> {
                  seen.add(step(context));
                  context.saveProgress(new byte[] {7});
                  return seen.size() == 1
                      ? Outcome.deadLetter(new IllegalStateException("made up"))
                      : Outcome.ack();
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.deadLettered() == 1 && stats.running() == 0);
      rig.queue
          .deadLetters()
          .redrive(
              dev.forebay.queue.DeadLetterFilter.all(),
              dev.forebay.queue.RedriveOptions.unlimited());
      rig.awaitStats(worker, stats -> stats.handled() == 1 && stats.running() == 0);
    }
    assertThat(seen).containsExactly("1:0", "1:7");
    assertThat(memory.size()).isZero();
  }

  /** Thought dead, it still runs when the next attempt has begun. */
  @Test
  void L5_anAttemptThatWasOvertakenChangesNothing() throws Exception {
    rig.enqueue("a");
    AtomicReference<HandlerContext> overtaken = new AtomicReference<>();
    CountDownLatch second = new CountDownLatch(1);
    WorkQueue deaf =
        new ForwardingWorkQueue(rig.queue) {
          @Override
          public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
            return CompletableFuture.completedFuture(Settlement.UNKNOWN);
          }
        };
    try (Worker worker =
        rig.worker(deaf)
            .slots(2)
            .progress(memory)
            .handler(
                (delivery, context) -> {
                  if (context.attempt() == 1) {
                    context.saveProgress(new byte[] {1});
                    overtaken.set(context);
                    started.countDown();
                    while (finish.getCount() > 0) {
                      try {
                        finish.await();
                      } catch (InterruptedException e) {
                        // Goes on, as a zombie does.
                      }
                    }
                  } else {
                    seen.add(step(context));
                    assertThat(context.saveProgress(new byte[] {2})).isTrue();
                    second.countDown();
                    finish.await();
                  }
                })
            .start()) {
      started.await();
      rig.advanceInSteps(Rig.LEASE.plusSeconds(1), Duration.ofSeconds(1));
      second.await();
      assertThat(overtaken.get().saveProgress(new byte[] {9})).isFalse();
      assertThat(overtaken.get().progress().orElseThrow()).containsExactly(2);
      finish.countDown();
      rig.awaitStats(worker, stats -> stats.running() == 0);
    }
    assertThat(seen).containsExactly("2:1");
  }

  @Test
  void aStoreThatIsDownCostsRepeatedWorkOnly() {
    for (Supplier<CompletableFuture<?>> how :
        List.<Supplier<CompletableFuture<?>>>of(
            () ->
                CompletableFuture.failedFuture(
                    new QueueException(ErrorCode.UNAVAILABLE, "made up")),
            () -> {
              throw new IllegalStateException("made up");
            })) {
      seen.clear();
      rig.enqueue("a");
      try (Worker worker =
          rig.worker().progress(new Faulty(how)).handler(this::failTwice).start()) {
        awaitThirdAttempt(worker);
      }
      assertThat(seen).containsExactly("1:0", "saved false", "2:0", "saved false", "3:0");
      rig.awaitDepth(0, 0, 0);
    }
  }

  @Test
  void aStoreThatDoesNotAnswerKeepsAHandlerForABoundedTime() throws Exception {
    rig.enqueue("a");
    Faulty silent = new Faulty(CompletableFuture::new);
    CountDownLatch answered = new CountDownLatch(1);
    Worker worker =
        rig.worker()
            .progress(silent)
            .handler(
                (delivery, context) -> {
                  assertThat(context.progress()).isEmpty();
                  assertThat(context.saveProgress(new byte[] {1})).isFalse();
                  answered.countDown();
                })
            .start();
    Rig.eventually("asked", () -> silent.asked.get() == 1);
    Rig.eventually("its time runs", () -> rig.time.pendingTimers() >= 2);
    rig.advance(Duration.ofSeconds(5));
    Rig.eventually("asked again", () -> silent.asked.get() == 2);
    Rig.eventually("its time runs", () -> rig.time.pendingTimers() >= 2);
    rig.advance(Duration.ofSeconds(5));
    answered.await();
    // The ack is confirmed, and what it saved, perhaps, is to be forgotten.
    Rig.eventually("asked to forget", () -> silent.asked.get() == 3);
    Future<?> closed = helper.submit(worker::close);
    Rig.eventually(
        "closing waits for that as long as for a settlement",
        () -> {
          rig.advance(Duration.ofMillis(500));
          return closed.isDone();
        });
    closed.get(30, TimeUnit.SECONDS);
    rig.awaitDepth(0, 0, 0);
  }

  @Test
  void withoutAStoreNothingIsKept() {
    rig.enqueue("a");
    try (Worker worker = rig.worker().handler(this::failTwice).start()) {
      awaitThirdAttempt(worker);
    }
    assertThat(seen).containsExactly("1:0", "saved false", "2:0", "saved false", "3:0");
  }

  @Test
  void tooMuchIsRefusedWithWhatToDo() {
    rig.enqueue("a");
    AtomicReference<Throwable> refused = new AtomicReference<>();
    try (Worker worker =
        rig.worker()
            .progress(memory)
            .handler(
                (delivery, context) -> {
                  byte[] largest = new byte[HandlerContext.MAX_PROGRESS_BYTES];
                  assertThat(context.saveProgress(largest)).isTrue();
                  try {
                    context.checkpoint(new byte[HandlerContext.MAX_PROGRESS_BYTES + 1]);
                  } catch (IllegalArgumentException e) {
                    refused.set(e);
                  }
                  assertThat(context.progress().orElseThrow()).hasSize(largest.length);
                })
            .start()) {
      rig.awaitStats(worker, stats -> stats.handled() == 1);
    }
    assertThat(refused.get()).hasMessageContaining("65537").hasMessageContaining("65536");
  }

  @Test
  void aRetentionThatMakesNoSenseIsRefused() {
    assertThatThrownBy(() -> rig.worker().progress(memory, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    rig.worker().progress(memory, MINUTE);
  }
}
