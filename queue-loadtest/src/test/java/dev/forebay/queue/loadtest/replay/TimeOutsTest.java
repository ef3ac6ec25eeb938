package dev.forebay.queue.loadtest.replay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.loadtest.model.SpeedUp;
import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TimeOutsTest {

  @ParameterizedTest
  @CsvSource({
    "1, PT30S, PT1S, PT20S",
    "7, PT5S, PT0.142857143S, PT3S",
    "10, PT3S, PT0.1S, PT2S",
    "30, PT2S, PT0.033333333S, PT1S",
    "1000, PT2S, PT0.001S, PT1S",
  })
  void timeOuts_shrinkWithTheSpeedUp_asFarAsBrokersAllow(
      double speedUp, Duration lease, Duration backoff, Duration pollWait) {
    TimeOuts timeOuts =
        TimeOuts.of(new SpeedUp(speedUp), Duration.ofSeconds(30), Duration.ofSeconds(1));

    assertThat(timeOuts.lease()).isEqualTo(lease);
    assertThat(timeOuts.backoff()).isEqualTo(backoff);
    assertThat(timeOuts.pollWait()).isEqualTo(pollWait);
    assertThat(timeOuts.notes())
        .hasSize(3)
        .anySatisfy(
            note -> assertThat(note).startsWith("Lease " + lease.toSeconds() + " s: 30 s of"));
  }
}
