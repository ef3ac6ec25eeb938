package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Codec;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Lost leases and interrupts in batches (W2, S1). */
class WorkerBatchLeaseTest {

  private static final Duration LINGER = Duration.ofSeconds(2);

  private final Rig rig = new Rig();
  private final List<String> batches = new CopyOnWriteArrayList<>();
  private final List<String> lost = new CopyOnWriteArrayList<>();
  private final CountDownLatch started = new CountDownLatch(1);
  private final CountDownLatch finish = new CountDownLatch(1);
  private final Set<String> unextendable = ConcurrentHashMap.newKeySet();

  /** Does not extend the first delivery of some messages. */
  private final ForwardingWorkQueue queue =
      new ForwardingWorkQueue(rig.queue) {
        @Override
        public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
          return delivery.attempt() == 1 && unextendable.contains(delivery.message().text())
              ? CompletableFuture.completedFuture(Settlement.UNKNOWN)
              : super.extend(delivery, lease);
        }
      };

  private static String texts(List<BatchItem<Delivery>> items) {
    return items.stream()
        .map(item -> item.value().message().text())
        .collect(Collectors.joining(" "));
  }

  private Worker worker(int size, BatchHandler<Delivery> handler) {
    return rig.worker(queue)
        .batches(
            BatchOptions.of(size).linger(LINGER),
            items -> {
              batches.add(texts(items));
              if (batches.size() == 1) {
                started.countDown();
                handler.handle(items);
              }
            })
        .start();
  }

  private void enqueue(String... texts) {
    for (String text : texts) {
      rig.enqueue(text);
    }
  }

  private void awaitLost(Worker worker, long leases) {
    rig.advanceInSteps(Rig.LEASE, Duration.ofSeconds(1));
    Rig.eventually(
        "lost",
        () -> {
          rig.advance(Duration.ofSeconds(1));
          return worker.stats().leaseLost() == leases;
        });
  }

  private void awaitHandled(Worker worker, long messages) {
    Rig.eventually(
        "handled",
        () -> {
          rig.advance(LINGER);
          return worker.stats().handled() == messages && worker.stats().running() == 0;
        });
    rig.awaitDepth(0, 0, 0);
  }

  @Test
  void W2_aLostLeaseInABatchTouchesItsOwnItemOnly() throws Exception {
    unextendable.add("a");
    enqueue("a", "b");
    try (Worker worker =
        worker(
            2,
            items -> {
              // An interrupt would end it before its time.
              finish.await();
              items.stream()
                  .filter(item -> item.context().isLeaseLost())
                  .forEach(item -> lost.add(item.value().message().text()));
            })) {
      started.await();
      awaitLost(worker, 1);
      assertThat(lost).as("it goes on").isEmpty();
      finish.countDown();
      awaitHandled(worker, 2);
      assertThat(lost).containsExactly("a");
      assertThat(batches).containsExactly("a b", "a");
      assertThat(worker.stats().leaseLost()).isEqualTo(1);
      assertThat(worker.stats().staleSettlements()).as("its result is not acked").isZero();
      assertThat(worker.stats().failed()).isZero();
      assertThat(worker.stats().wasted()).isGreaterThanOrEqualTo(Rig.LEASE);
    }
  }

  @Test
  void W2_whenAllLeasesOfABatchAreLostItsHandlerIsInterruptedAndNothingRunsAgain()
      throws Exception {
    unextendable.addAll(List.of("a", "b"));
    enqueue("a", "b");
    AtomicBoolean interrupted = new AtomicBoolean();
    try (Worker worker =
        worker(
            2,
            items -> {
              try {
                finish.await();
              } catch (InterruptedException e) {
                interrupted.set(true);
                throw e;
              }
            })) {
      started.await();
      awaitLost(worker, 2);
      awaitHandled(worker, 2);
      assertThat(interrupted).isTrue();
      assertThat(String.join(" ", batches).split(" "))
          .as("once more each, when it came again")
          .containsExactlyInAnyOrder("a", "b", "a", "b");
      assertThat(worker.stats().leaseLost()).isEqualTo(2);
      assertThat(worker.stats().failed() + worker.stats().staleSettlements()).isZero();
    }
  }

  @Test
  void W2_whatHasLostItsLeaseIsNotRunAgainWhenItsBatchFails() throws Exception {
    unextendable.add("a");
    enqueue("a", "b", "c", "d");
    try (Worker worker =
        worker(
            4,
            items -> {
              finish.await();
              throw new IOException("out of memory");
            })) {
      started.await();
      awaitLost(worker, 1);
      finish.countDown();
      awaitHandled(worker, 4);
      assertThat(batches).containsExactly("a b c d", "b", "c d", "a");
      assertThat(worker.stats().leaseLost()).isEqualTo(1);
      assertThat(worker.stats().failed()).isZero();
    }
  }

  @Test
  void S1_theInterruptOfAClosingWorkerIsNotLostWithAnItemThatEndsBefore() throws Exception {
    enqueue("bad", "good");
    CountDownLatch decoding = new CountDownLatch(1);
    AtomicBoolean interrupted = new AtomicBoolean();
    CompletableFuture<Thread> closing = new CompletableFuture<>();
    Codec<String> codec =
        new Codec<>() {
          @Override
          public byte[] encode(String value) {
            throw new UnsupportedOperationException();
          }

          @Override
          public String decode(Message message) {
            if (message.text().equals("bad")) {
              decoding.countDown();
              // It waits once it has cut short what runs.
              Thread closer = closing.join();
              while (closer.getState() != Thread.State.WAITING
                  && closer.getState() != Thread.State.TIMED_WAITING) {
                Thread.yield();
              }
              throw new QueueException(ErrorCode.INVALID_MESSAGE, "made up");
            }
            return message.text();
          }
        };
    Worker worker =
        rig.worker()
            .drain(Drain.HAND_BACK)
            .batches(
                BatchOptions.of(2).linger(LINGER),
                codec,
                items -> interrupted.set(Thread.currentThread().isInterrupted()))
            .start();
    decoding.await();
    Thread closer = new Thread(worker::close);
    closer.start();
    closing.complete(closer);
    closer.join();
    assertThat(interrupted).isTrue();
  }
}
