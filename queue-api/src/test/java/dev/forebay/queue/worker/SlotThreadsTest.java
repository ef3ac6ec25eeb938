package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class SlotThreadsTest {

  @Test
  void W1_virtualThreadsAreFoundExactlyWhereTheJvmHasThem() {
    assertThat(SlotThreads.virtualAvailable()).isEqualTo(Runtime.version().feature() >= 21);
  }

  @Test
  void W1_threadsAreNamedAndDaemons() throws Exception {
    for (boolean platformOnly : new boolean[] {true, false}) {
      SlotThreads threads = SlotThreads.of("forebay-worker-t-", 2, platformOnly);
      AtomicReference<Thread> seen = new AtomicReference<>();
      CountDownLatch ran = new CountDownLatch(1);
      threads.start(
          () -> {
            seen.set(Thread.currentThread());
            ran.countDown();
          });
      assertThat(ran.await(30, TimeUnit.SECONDS)).isTrue();
      assertThat(seen.get().getName()).isEqualTo("forebay-worker-t-1");
      assertThat(seen.get().isDaemon()).isTrue();
      threads.shutdown();
      threads.awaitEnd(Duration.ofSeconds(30));
      seen.get().join(30_000);
      assertThat(seen.get().isAlive()).isFalse();
    }
  }

  @Test
  void W1_platformThreadsAreNoMoreThanSlotsAndTheRestWaits() throws Exception {
    SlotThreads threads = SlotThreads.of("forebay-worker-p-", 2, true);
    Set<String> names = ConcurrentHashMap.newKeySet();
    CountDownLatch twoRun = new CountDownLatch(2);
    CountDownLatch go = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(10);
    for (int i = 0; i < 10; i++) {
      threads.start(
          () -> {
            names.add(Thread.currentThread().getName());
            twoRun.countDown();
            try {
              go.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
            done.countDown();
          });
    }
    assertThat(twoRun.await(30, TimeUnit.SECONDS)).isTrue();
    go.countDown();
    assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(names).containsExactlyInAnyOrder("forebay-worker-p-1", "forebay-worker-p-2");
    threads.shutdown();
    threads.awaitEnd(Duration.ofSeconds(30));
  }
}
