package dev.forebay.queue.time;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TimeSourceTest {

  @Test
  void manualTimersRunInOrderEachAtItsTime() {
    ManualTimeSource time = new ManualTimeSource();
    Instant start = time.now();
    List<String> ran = new ArrayList<>();
    time.schedule(Duration.ofSeconds(2), () -> ran.add("b@" + Duration.between(start, time.now())));
    time.schedule(
        Duration.ofSeconds(1),
        () -> {
          ran.add("a@" + Duration.between(start, time.now()));
          time.schedule(Duration.ofMillis(500), () -> ran.add("nested"));
        });
    time.schedule(Duration.ofSeconds(2), () -> ran.add("c"));
    TimeSource.Timer cancelled = time.schedule(Duration.ofSeconds(2), () -> ran.add("never"));
    cancelled.cancel();
    cancelled.cancel();
    time.advance(Duration.ofMillis(999));
    assertThat(ran).isEmpty();
    time.advance(Duration.ofSeconds(5));
    assertThat(ran).containsExactly("a@PT1S", "nested", "b@PT2S", "c");
    assertThat(time.now()).isEqualTo(start.plusMillis(5_999));
    assertThat(time.pendingTimers()).isZero();
    assertThatThrownBy(() -> time.advance(Duration.ofNanos(-1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void systemTimersSurviveAFailingOne() throws Exception {
    SystemTimeSource time = SystemTimeSource.get();
    CountDownLatch ran = new CountDownLatch(1);
    time.schedule(
        Duration.ZERO,
        () -> {
          throw new IllegalStateException("expected by the test");
        });
    time.schedule(Duration.ofMillis(5), ran::countDown);
    assertThat(ran.await(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void systemTimersCanBeCancelledAndBeFarAway() {
    SystemTimeSource time = SystemTimeSource.get();
    AtomicInteger ran = new AtomicInteger();
    TimeSource.Timer far = time.schedule(Duration.ofSeconds(Long.MAX_VALUE), ran::incrementAndGet);
    TimeSource.Timer near = time.schedule(Duration.ofMillis(50), ran::incrementAndGet);
    near.cancel();
    far.cancel();
    AtomicInteger marker = new AtomicInteger();
    time.schedule(Duration.ofMillis(100), marker::incrementAndGet);
    await().until(() -> marker.get() == 1);
    assertThat(ran).hasValue(0);
  }

  @Test
  void S1_theTimerThreadEndsWhenNothingIsDue() {
    CountDownLatch ran = new CountDownLatch(1);
    SystemTimeSource.get().schedule(Duration.ZERO, ran::countDown);
    await()
        .atMost(Duration.ofSeconds(20))
        .until(
            () ->
                ran.getCount() == 0
                    && Thread.getAllStackTraces().keySet().stream()
                        .noneMatch(thread -> thread.getName().equals("forebay-timer")));
  }
}
