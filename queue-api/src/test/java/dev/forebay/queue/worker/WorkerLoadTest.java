package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.forebay.queue.Message;
import dev.forebay.queue.memory.InMemoryWorkQueue;
import dev.forebay.queue.policy.RetryPolicy;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Many messages and many slots on real threads and real time (W1). */
class WorkerLoadTest {

  @ParameterizedTest
  @CsvSource({"1,false", "8,false", "256,false", "8,true", "256,true"})
  @Timeout(300)
  void W1_everyMessageIsHandledExactlyOnce(int slots, boolean platform) throws Exception {
    int count = 100_000;
    String name = "load-" + slots + "-" + platform;
    AtomicIntegerArray handled = new AtomicIntegerArray(count);
    CountDownLatch all = new CountDownLatch(count);
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    InMemoryWorkQueue queue = InMemoryWorkQueue.builder(name).lease(Duration.ofHours(1)).build();
    WorkerBuilder builder =
        Worker.builder(queue)
            .slots(slots)
            .handler(
                (delivery, context) -> {
                  most.accumulateAndGet(running.incrementAndGet(), Math::max);
                  handled.incrementAndGet(Integer.parseInt(delivery.message().text()));
                  running.decrementAndGet();
                  all.countDown();
                });
    if (platform) {
      builder.platformThreads();
    }
    try (Worker worker = builder.start()) {
      for (int i = 0; i < count; i++) {
        queue.enqueue(Message.text(Integer.toString(i)));
      }
      assertThat(all.await(280, TimeUnit.SECONDS)).isTrue();
      worker.close();
      assertThat(worker.stats().handled()).isEqualTo(count);
      assertThat(worker.stats().running()).isZero();
    }
    for (int i = 0; i < count; i++) {
      assertThat(handled.get(i)).isEqualTo(1);
    }
    assertThat(most.get()).isLessThanOrEqualTo(slots);
    assertThat(queue.depth().backlog()).isZero();
    WorkerCloseTest.assertNoThreads(name);
    queue.close();
  }

  @Test
  @Timeout(300)
  void W1_failingMessagesAreRetriedAndNoneIsLost() throws Exception {
    int count = 20_000;
    AtomicIntegerArray attempts = new AtomicIntegerArray(count);
    CountDownLatch all = new CountDownLatch(count);
    InMemoryWorkQueue queue =
        InMemoryWorkQueue.builder("retry-load").lease(Duration.ofHours(1)).build();
    for (int i = 0; i < count; i++) {
      queue.enqueue(Message.text(Integer.toString(i)));
    }
    try (Worker worker =
        Worker.builder(queue)
            .slots(32)
            .retry(RetryPolicy.exponential(Duration.ofMillis(1), Duration.ofMillis(20)))
            .handler(
                (delivery, context) -> {
                  int message = Integer.parseInt(delivery.message().text());
                  if (attempts.incrementAndGet(message) <= message % 3) {
                    throw new IllegalStateException("made up");
                  }
                  all.countDown();
                })
            .start()) {
      assertThat(all.await(280, TimeUnit.SECONDS)).isTrue();
      worker.close();
      assertThat(worker.stats().handled()).isEqualTo(count);
      assertThat(worker.stats().deadLettered()).isZero();
    }
    for (int i = 0; i < count; i++) {
      assertThat(attempts.get(i)).isEqualTo(1 + i % 3);
    }
    queue.close();
  }

  @Test
  @Timeout(300)
  void W1_tenThousandHandlersRunAtOnceOnVirtualThreads() throws Exception {
    assumeTrue(
        SlotThreads.virtualAvailable(), "needs virtual threads, which this JVM does not have");
    int slots = 10_000;
    CountDownLatch allRun = new CountDownLatch(slots);
    CountDownLatch finish = new CountDownLatch(1);
    InMemoryWorkQueue queue = InMemoryWorkQueue.builder("many").lease(Duration.ofHours(1)).build();
    for (int i = 0; i < slots + 1; i++) {
      queue.enqueue(Message.text("m"));
    }
    try (Worker worker =
        Worker.builder(queue)
            .slots(slots)
            .handler(
                (delivery, context) -> {
                  allRun.countDown();
                  finish.await();
                })
            .start()) {
      assertThat(allRun.await(280, TimeUnit.SECONDS)).isTrue();
      assertThat(worker.stats().running()).isEqualTo(slots);
      assertThat(queue.depth().visible()).as("one more than there are slots").hasValue(1);
      finish.countDown();
      Rig.eventually("all handled", () -> worker.stats().handled() == slots + 1);
    }
    queue.close();
  }
}
