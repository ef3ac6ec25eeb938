package dev.forebay.queue.loadtest.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TimeOutsTest {

  private static TimeOuts at(double speedUp) {
    return TimeOuts.of(new SpeedUp(speedUp), Duration.ofSeconds(30), Duration.ofSeconds(1));
  }

  @ParameterizedTest
  @CsvSource({
    "0.5, PT1M, PT2S, PT1M, PT2H, PT20S",
    "1, PT30S, PT1S, PT30S, PT1H, PT20S",
    "7, PT5S, PT0.142857143S, PT4.285714286S, PT8M34.285714286S, PT3S",
    "10, PT3S, PT0.1S, PT3S, PT6M, PT2S",
    "30, PT2S, PT0.033333333S, PT1S, PT2M, PT1S",
    "1000, PT2S, PT0.001S, PT0.03S, PT3.6S, PT1S",
  })
  void timeOuts_shrinkWithTheSpeedUp_asFarAsBrokersAllow(
      double speedUp,
      Duration lease,
      Duration backoff,
      Duration backoffCap,
      Duration maxRunTime,
      Duration pollWait) {
    TimeOuts timeOuts = at(speedUp);

    assertThat(timeOuts.lease()).isEqualTo(lease);
    assertThat(timeOuts.backoff()).isEqualTo(backoff);
    assertThat(timeOuts.backoffCap()).isEqualTo(backoffCap);
    assertThat(timeOuts.maxRunTime()).isEqualTo(maxRunTime);
    assertThat(timeOuts.pollWait()).isEqualTo(pollWait);
    assertThat(timeOuts.notes())
        .hasSize(5)
        .anySatisfy(
            note -> assertThat(note).startsWith("Lease " + lease.toSeconds() + " s: 30 s of"));
  }

  @Test
  void floors_areThoseThatApply() {
    assertThat(at(1).floors()).isEmpty();
    assertThat(at(10).floors()).isEmpty();
    // Rounded up, to what SQS can count.
    assertThat(at(7).floors())
        .extracting(Floor::sentence)
        .containsExactly(
            "all queues: lease 5 s instead of 4.286 s, since SQS counts whole seconds.",
            "all queues: poll wait 3 s instead of 2.857 s, since SQS counts whole seconds.");
    assertThat(at(100).floors())
        .containsExactly(
            new Floor(
                Floor.ALL,
                "lease",
                Duration.ofMillis(300),
                Duration.ofSeconds(2),
                "so that a pause of the machine does not cost a lease"),
            new Floor(
                Floor.ALL,
                "poll wait",
                Duration.ofMillis(200),
                Duration.ofSeconds(1),
                "since SQS counts whole seconds"));
  }

  @Test
  void backoff_longerThanTheLease_isItsOwnCap() {
    TimeOuts timeOuts = TimeOuts.of(new SpeedUp(2), Duration.ofSeconds(4), Duration.ofSeconds(10));

    assertThat(timeOuts.backoffCap())
        .isEqualTo(timeOuts.backoff())
        .isEqualTo(Duration.ofSeconds(5));
  }
}
