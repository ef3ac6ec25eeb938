package dev.forebay.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class HandlerTimesTest {

  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final HandlerTimes times = new HandlerTimes();

  private void record(String type, int count, Duration ran) {
    for (int i = 0; i < count; i++) {
      times.record(type, ran.toNanos());
    }
  }

  @Test
  void saysNothingBeforeItHasSeenEnough() {
    record("a", HandlerTimes.ENOUGH - 1, MINUTE);
    assertThat(times.p99("a")).isZero();
    record("a", 1, MINUTE);
    assertThat(times.p99("a")).isEqualTo(MINUTE);
    assertThat(times.p99("b")).isZero();
  }

  @Test
  void tellsTypesApartAndIsNotLedByOneInAHundred() {
    record("chat", 995, SECOND);
    record("chat", 5, MINUTE);
    record("video", 640, MINUTE);
    assertThat(times.p99("chat")).isBetween(SECOND, SECOND.multipliedBy(9).dividedBy(8));
    assertThat(times.p99("video")).isEqualTo(MINUTE);
  }

  @Test
  void followsAChangeAndForgetsWhatWas() {
    record("a", 2_048, MINUTE);
    record("a", 1_024, SECOND);
    assertThat(times.p99("a")).as("both are among the latest").isEqualTo(MINUTE);
    record("a", 1_088, SECOND);
    assertThat(times.p99("a")).isEqualTo(SECOND);
  }

  @Test
  void keepsABoundedNumberOfTypesApart() {
    for (int i = 0; i < 10_000; i++) {
      times.record("flood-" + i, MINUTE.toNanos());
    }
    record("flood-0", HandlerTimes.ENOUGH, SECOND);
    assertThat(times.p99("flood-0")).as("has its place").isEqualTo(MINUTE);
    record("late", 2_112, SECOND);
    assertThat(times.p99("late")).isEqualTo(SECOND);
    assertThat(times.p99("flood-9999")).as("shares one with all late types").isEqualTo(SECOND);
  }
}
