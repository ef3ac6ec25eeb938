package dev.forebay.queue.loadtest.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.forebay.queue.loadtest.trace.Request;
import dev.forebay.queue.loadtest.trace.Trace;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class TimelineTest {
  private static final long MS = 1_000_000;

  private static Timeline.Builder timeline(int slots, long... arrivals) {
    Trace trace =
        new Trace(
            "by hand",
            Arrays.stream(arrivals)
                .mapToObj(millis -> new Request(Duration.ofMillis(millis), 1, 1))
                .toList());
    return Timeline.builder(trace, new SpeedUp(1), Slots.of(slots));
  }

  @Test
  void percentile_isTheNearestRank() {
    long[] sorted = {10, 20, 30, 40, 50};

    assertThat(Percentile.of(sorted, 50)).isEqualTo(30);
    assertThat(Percentile.of(sorted, 99)).isEqualTo(50);
    assertThat(Percentile.of(sorted, 20)).isEqualTo(10);
    assertThat(Percentile.of(sorted, 20.01)).isEqualTo(20);
    assertThat(Percentile.of(sorted, 100)).isEqualTo(50);
    assertThat(Percentile.of(new long[] {7}, 1)).isEqualTo(7);
    assertThatThrownBy(() -> Percentile.of(new long[0], 50))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Percentile.of(sorted, 0)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void lostAndDuplicates_areCountedByRequest() {
    Timeline.Builder builder = timeline(2, 0, 0, 0, 0);
    builder.attempt(0, 0, 5 * MS, true);
    builder.attempt(1, 0, 5 * MS, false);
    builder.attempt(1, 6 * MS, 9 * MS, true);
    builder.attempt(2, 9 * MS, 10 * MS, true);
    builder.attempt(2, 10 * MS, 12 * MS, true);
    builder.attempt(2, 12 * MS, 13 * MS, true);
    Timeline run = builder.build();

    assertThat(run.handled()).isEqualTo(3);
    assertThat(run.lost()).isOne();
    assertThat(run.duplicates()).isEqualTo(2);
    assertThat(run.requests()).isEqualTo(4);
  }

  @Test
  void age_countsToTheFirstStart_inWhateverOrderAttemptsAreReported() {
    Timeline.Builder builder = timeline(2, 0, 10);
    builder.attempt(1, 40 * MS, 50 * MS, true);
    builder.attempt(0, 30 * MS, 40 * MS, true);
    builder.attempt(0, 2 * MS, 60 * MS, false);
    Timeline run = builder.build();

    assertThat(run.ageMillis(50)).hasValue(2);
    assertThat(run.ageMillis(100)).hasValue(30);
  }

  @Test
  void slotUse_countsOnlySlotTimeForWhichThereWasAMessage() {
    // Two slots. From 0 to 10 ms one message is being handled and one waits beside an idle slot;
    // from 10 to 20 both slots work; from 20 to 30 one slot works and there is nothing else.
    Timeline.Builder builder = timeline(2, 0, 0);
    builder.attempt(0, 0, 20 * MS, true);
    builder.attempt(1, 10 * MS, 30 * MS, true);

    assertThat(builder.build().slotUse()).isCloseTo(40.0 / 50.0, within(1e-9));
  }

  @Test
  void slotUse_ofAMessageThatIsNeverHandled_keepsFalling() {
    Timeline.Builder builder = timeline(1, 0, 0, 90);
    builder.attempt(0, 0, 10 * MS, true);
    builder.attempt(2, 90 * MS, 100 * MS, true);

    assertThat(builder.build().slotUse()).isCloseTo(0.2, within(1e-9));
  }

  @Test
  void nothingHandled_hasNoAgeAndNoRate() {
    Timeline run = timeline(1, 0, 5).build();

    assertThat(run.ageMillis(99)).isEmpty();
    assertThat(run.handledPerSecond()).isZero();
    assertThat(run.drainMillis()).isZero();
    assertThat(run.lost()).isEqualTo(2);
    assertThat(run.end()).isEqualTo(Duration.ofMillis(5));
  }

  @Test
  void startBeforeTheArrival_isTakenForTheArrival() {
    // The clock of a sender may run some microseconds ahead of the plan.
    Timeline.Builder builder = timeline(1, 10);
    builder.attempt(0, 9 * MS, 20 * MS, true);

    assertThat(builder.build().ageMillis(50)).hasValue(0);
  }

  @Test
  void series_cutTheRunIntoEqualParts() {
    Timeline.Builder builder = timeline(1, 0, 0, 30);
    builder.attempt(0, 0, 15 * MS, true);
    builder.attempt(1, 15 * MS, 25 * MS, true);
    builder.attempt(2, 35 * MS, 40 * MS, true);
    Timeline run = builder.build();
    Buckets quarters = new Buckets(4, Duration.ofMillis(40));

    assertThat(run.oldestWaitingMillis(quarters)).containsExactly(10, 15, 0, 5);
    assertThat(run.mostWaiting(quarters)).containsExactly(1, 1, 0, 1);
    assertThat(run.meanBusy(quarters)).containsExactly(1, 1, 0.5, 0.5);
    assertThat(run.arrivalsPerSecond(quarters)).containsExactly(200, 0, 0, 100);
  }

  @Test
  void buckets_takeTimesOutsideForTheNearestPart() {
    Buckets buckets = new Buckets(4, Duration.ofNanos(100));

    assertThat(buckets.of(-5)).isZero();
    assertThat(buckets.of(24)).isZero();
    assertThat(buckets.of(25)).isOne();
    assertThat(buckets.of(1_000)).isEqualTo(3);
    assertThatThrownBy(() -> new Buckets(4, Duration.ofNanos(3)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void settings_refuseWhatMakesNoSense() {
    assertThatThrownBy(() -> new SpeedUp(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new SpeedUp(Double.NaN)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Slots.of(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Failures(0, 1.01, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(Slots.of(5)).isEqualTo(new Slots(3, 2));
    assertThat(new SpeedUp(10)).hasToString("×10");
    assertThat(new SpeedUp(2.5)).hasToString("×2.5");
    assertThat(new SpeedUp(30).scale(Duration.ofSeconds(15), Duration.ofSeconds(1)))
        .isEqualTo(Duration.ofSeconds(1));
  }
}
