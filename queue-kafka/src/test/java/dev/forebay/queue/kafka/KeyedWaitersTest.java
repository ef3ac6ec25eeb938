package dev.forebay.queue.kafka;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;

class KeyedWaitersTest {

  private final ManualTimeSource time = new ManualTimeSource();
  private final ReentrantLock lock = new ReentrantLock();
  private final KeyedWaiters waiters = new KeyedWaiters(lock, time);

  @Test
  void P1_everyWait_endsAtItsOwnTime() {
    CompletableFuture<Boolean> late = waiting(Duration.ofSeconds(3));
    CompletableFuture<Boolean> early = waiting(Duration.ofSeconds(1));
    CompletableFuture<Boolean> latest = waiting(Duration.ofSeconds(5));
    time.advance(Duration.ofSeconds(1));
    assertThat(early.orTimeout(30, SECONDS).join()).isTrue();
    assertThat(late).isNotDone();
    time.advance(Duration.ofSeconds(2));
    assertThat(late.orTimeout(30, SECONDS).join()).isTrue();
    assertThat(latest).isNotDone();
    time.advance(Duration.ofSeconds(2));
    assertThat(latest.orTimeout(30, SECONDS).join()).isTrue();
  }

  @Test
  void P1_whoCameFirst_isWokenFirst_andALaterWaitStillEnds() {
    CompletableFuture<Boolean> first = waiting(Duration.ofSeconds(10));
    CompletableFuture<Boolean> second = waiting(Duration.ofSeconds(20));
    locked(waiters::wakeOne);
    assertThat(first.orTimeout(30, SECONDS).join()).isTrue();
    assertThat(second).isNotDone();
    // The timer of the first one goes off for nobody, and is set anew for the second.
    time.advance(Duration.ofSeconds(10));
    assertThat(second).isNotDone();
    time.advance(Duration.ofSeconds(10));
    assertThat(second.orTimeout(30, SECONDS).join()).isTrue();
    assertThat(waiters.isEmpty()).isTrue();
  }

  @Test
  void S1_wakeAll_endsEveryWait() {
    CompletableFuture<Boolean> one = waiting(Duration.ofSeconds(10));
    CompletableFuture<Boolean> other = waiting(Duration.ofSeconds(20));
    locked(waiters::wakeAll);
    assertThat(one.orTimeout(30, SECONDS).join()).isTrue();
    assertThat(other.orTimeout(30, SECONDS).join()).isTrue();
  }

  /** A thread that waits by now for so long. */
  private CompletableFuture<Boolean> waiting(Duration length) {
    CompletableFuture<Boolean> woken = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              lock.lock();
              try {
                woken.complete(waiters.await(time.nanoTime() + length.toNanos()));
              } finally {
                lock.unlock();
              }
            });
    thread.setDaemon(true);
    thread.start();
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> thread.getState() == Thread.State.WAITING && !lock.isLocked());
    return woken;
  }

  private void locked(Runnable action) {
    lock.lock();
    try {
      action.run();
    } finally {
      lock.unlock();
    }
  }
}
