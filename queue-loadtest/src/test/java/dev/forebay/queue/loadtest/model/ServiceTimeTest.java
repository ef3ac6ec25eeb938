package dev.forebay.queue.loadtest.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.loadtest.trace.Request;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServiceTimeTest {

  /** Time to first token of Llama-2-70B on eight H100, in microseconds. */
  @ParameterizedTest
  @CsvSource({
    "0, 58000",
    "128, 58000",
    "320, 56000",
    "512, 54000",
    "1024, 78000",
    "3072, 255000",
    "8192, 831000",
    "32768, 2936000",
    "49152, 4320000",
  })
  void firstToken_isLinearBetweenTheMeasuredPoints(int tokens, long micros) {
    assertThat(ServiceTime.of(new Request(Duration.ZERO, tokens, 1), SpeedClass.FAST))
        .isEqualTo(Duration.ofNanos(micros * 1_000));
  }

  @Test
  void everyFurtherToken_takesTheTimeBetweenTokensOfABatchOfEight() {
    // 54 ms + 9 × (29.7 + 0.31 × 8) ms
    assertThat(ServiceTime.of(new Request(Duration.ZERO, 512, 10), SpeedClass.FAST))
        .isEqualTo(Duration.ofNanos(343_620_000));
    assertThat(ServiceTime.of(new Request(Duration.ZERO, 512, 0), SpeedClass.FAST))
        .isEqualTo(Duration.ofMillis(54));
  }

  @Test
  void slowHardware_takesThreeTimesAsLong() {
    assertThat(ServiceTime.of(new Request(Duration.ZERO, 512, 1), SpeedClass.SLOW))
        .isEqualTo(Duration.ofNanos(178_200_000));
  }
}
