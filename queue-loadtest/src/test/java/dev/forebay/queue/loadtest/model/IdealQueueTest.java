package dev.forebay.queue.loadtest.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.forebay.queue.loadtest.trace.CodeLikeTraffic;
import dev.forebay.queue.loadtest.trace.PoissonControl;
import dev.forebay.queue.loadtest.trace.Request;
import dev.forebay.queue.loadtest.trace.Trace;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class IdealQueueTest {
  private static final SpeedUp REAL_TIME = new SpeedUp(1);
  private static final Failures NONE = new Failures(0, 0, Duration.ZERO);

  /** A request that takes 54 ms on fast hardware and 178.2 ms on slow. */
  private static Request at(long millis) {
    return new Request(Duration.ofMillis(millis), 512, 1);
  }

  private static Trace trace(long... arrivals) {
    return new Trace(
        "by hand", java.util.Arrays.stream(arrivals).mapToObj(IdealQueueTest::at).toList());
  }

  @Test
  void oneFastAndOneSlowSlot_computedByHand() {
    // Arrival  0: fast, 0–54. Arrival 0: slow, 0–178.2. Arrival 10: fast, 54–108. Arrival 20: fast,
    // 108–162. Arrival 170: fast, free since 162, 170–224. Arrival 300: the slow one has been free
    // since 178.2 and the fast one since 224, so slow, 300–478.2.
    Timeline ideal =
        IdealQueue.simulate(trace(0, 0, 10, 20, 170, 300), REAL_TIME, Slots.of(2), NONE);

    assertThat(ideal.handled()).isEqualTo(6);
    assertThat(ideal.lost()).isZero();
    assertThat(ideal.duplicates()).isZero();
    // Ages: 0, 0, 44, 88, 0, 0.
    assertThat(ideal.ageMillis(50)).hasValue(0);
    assertThat(ideal.ageMillis(80)).hasValue(44);
    assertThat(ideal.ageMillis(99)).hasValue(88);
    assertThat(ideal.drainMillis()).isEqualTo(178.2);
    assertThat(ideal.handledPerSecond()).isCloseTo(6 / 0.4782, within(1e-9));
    assertThat(ideal.slotUse()).isEqualTo(1);
  }

  @Test
  void speedUp_dividesEverything() {
    Timeline ideal =
        IdealQueue.simulate(trace(0, 0, 10, 20, 170, 300), new SpeedUp(10), Slots.of(2), NONE);

    assertThat(ideal.ageMillis(99)).hasValue(8.8);
    assertThat(ideal.drainMillis()).isEqualTo(17.82);
  }

  @Test
  void failedAttempt_queuesUpAgainBehindThoseWhoCameBefore() {
    // One slot; every first attempt fails after 27 ms and may be repeated 5 ms later.
    // A: 0–27 fails, due 32. B: 27–54 fails, due 59. A: 54–108. B: 108–162.
    Failures all = new Failures(0, 1, Duration.ofMillis(5));
    Timeline ideal = IdealQueue.simulate(trace(0, 1), REAL_TIME, Slots.of(1), all);

    assertThat(ideal.handled()).isEqualTo(2);
    assertThat(ideal.duplicates()).isZero();
    assertThat(ideal.ageMillis(100)).hasValue(26);
    assertThat(ideal.drainMillis()).isEqualTo(161);
  }

  @Test
  void backoff_leavesTheSlotIdle() {
    Failures all = new Failures(0, 1, Duration.ofMillis(100));
    Timeline ideal = IdealQueue.simulate(trace(0), REAL_TIME, Slots.of(1), all);

    // 27 ms, 100 ms of backoff, 54 ms.
    assertThat(ideal.drainMillis()).isEqualTo(181);
  }

  @Test
  void ideal_isWorkConserving_andMoreSlotsNeverHurt() {
    Trace trace = new CodeLikeTraffic(3).generate(3_000);
    Failures some = new Failures(3, 0.015, Duration.ofSeconds(1));
    double before = Double.MAX_VALUE;
    for (int slots : new int[] {4, 8, 16, 32}) {
      Timeline ideal = IdealQueue.simulate(trace, new SpeedUp(10), Slots.of(slots), some);

      assertThat(ideal.slotUse()).as("%s slots", slots).isCloseTo(1, within(1e-9));
      assertThat(ideal.lost()).isZero();
      assertThat(ideal.ageMillis(99).orElseThrow()).isLessThan(before);
      before = ideal.ageMillis(99).orElseThrow();
    }
  }

  @Test
  void burstsWaitLongerThanTheirControl() {
    Trace trace = new CodeLikeTraffic(3).generate(3_000);
    Timeline bursts = IdealQueue.simulate(trace, REAL_TIME, Slots.of(12), NONE);
    Timeline even = IdealQueue.simulate(PoissonControl.of(trace, 3), REAL_TIME, Slots.of(12), NONE);

    assertThat(bursts.ageMillis(99).orElseThrow())
        .isGreaterThan(10 * even.ageMillis(99).orElseThrow());
  }

  @Test
  void failures_areDecidedBySeedAndRequestAlone() {
    Failures failures = new Failures(5, 0.015, Duration.ZERO);
    List<Integer> failing =
        IntStream.range(0, 100_000).filter(i -> failures.fails(i, 1)).boxed().toList();

    assertThat(failing.size()).isBetween(1_350, 1_650);
    Failures same = new Failures(5, 0.015, Duration.ofSeconds(9));
    assertThat(IntStream.range(0, 100_000).filter(i -> same.fails(i, 1)).boxed().toList())
        .isEqualTo(failing);
    assertThat(failing).noneMatch(i -> failures.fails(i, 2));
  }
}
