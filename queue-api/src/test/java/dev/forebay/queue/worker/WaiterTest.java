package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WaiterTest {

  private final ExecutorService helper = Executors.newCachedThreadPool();
  private final ManualTimeSource time = new ManualTimeSource();
  private final Waiter waiter = new Waiter();

  @AfterEach
  void end() {
    helper.shutdownNow();
  }

  @Test
  void noSignalIsLostHoweverCloseItComesToTheWait() throws Exception {
    int rounds = 50_000;
    AtomicInteger ahead = new AtomicInteger();
    AtomicInteger behind = new AtomicInteger();
    Waiter answer = new Waiter();
    Future<?> other =
        helper.submit(
            () -> {
              for (int i = 1; i <= rounds; i++) {
                int round = i;
                waiter.await(() -> ahead.get() >= round);
                behind.set(round);
                answer.signal();
              }
            });
    for (int i = 1; i <= rounds; i++) {
      int round = i;
      ahead.set(round);
      waiter.signal();
      answer.await(() -> behind.get() >= round);
    }
    other.get(60, TimeUnit.SECONDS);
    assertThat(behind).hasValue(rounds);
  }

  @Test
  void waitsNoLongerThanAskedByTheTimeSource() throws Exception {
    Future<Boolean> waited =
        helper.submit(() -> waiter.await(() -> false, Duration.ofSeconds(3), time));
    Rig.eventually("waiting", () -> time.pendingTimers() == 1);
    time.advance(Duration.ofMillis(2_999));
    assertThat(waited).isNotDone();
    time.advance(Duration.ofMillis(1));
    assertThat(waited.get(30, TimeUnit.SECONDS)).isFalse();
    assertThat(time.pendingTimers()).isZero();
  }

  @Test
  void anInterruptIsNotedAndDoesNotEndTheWait() throws Exception {
    AtomicBoolean go = new AtomicBoolean();
    AtomicBoolean flag = new AtomicBoolean(true);
    Thread thread =
        new Thread(
            () -> {
              waiter.await(go::get);
              flag.set(Thread.currentThread().isInterrupted());
            });
    thread.start();
    thread.interrupt();
    Rig.eventually("noted", waiter::wasInterrupted);
    assertThat(thread.isAlive()).isTrue();
    go.set(true);
    waiter.signal();
    thread.join(30_000);
    assertThat(thread.isAlive()).isFalse();
    assertThat(flag).isFalse();
  }
}
