package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LaneSizesTest {

  private final LaneSizes sizes = new LaneSizes();

  private void handlersTake(Duration time, int concurrency) {
    sizes.concurrent(concurrency);
    for (int i = 0; i < 300; i++) {
      sizes.settled(time.toNanos());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "-5, 1",
    "0, 1",
    "1, 1",
    "7, 1",
    "8, 8",
    "63, 8",
    "64, 64",
    "511, 64",
    "512, 512",
    "9999999, 512"
  })
  void floor_isTheLargestSizeThatIsNotAbove(long records, int size) {
    assertThat(LaneSizes.floor(records)).isEqualTo(size);
  }

  @Test
  void beforeAnythingIsKnown_oneRecordAtATime() {
    assertThat(sizes.byRate()).isEqualTo(1);
  }

  @Test
  void workWithoutTime_fetchesTheMost() {
    handlersTake(Duration.ZERO, 1);
    assertThat(sizes.byRate()).isEqualTo(LaneSizes.LARGEST);
  }

  @Test
  void slowWork_fetchesOneRecord_howeverManyDoIt() {
    handlersTake(Duration.ofSeconds(5), 64);
    assertThat(sizes.byRate()).isEqualTo(1);
  }

  @Test
  void workBetween_followsTheRateOfAllThatDoIt() {
    handlersTake(Duration.ofMillis(10), 1);
    assertThat(sizes.byRate()).isEqualTo(8);
    handlersTake(Duration.ofMillis(10), 8);
    assertThat(sizes.byRate()).isEqualTo(64);
  }

  @Test
  void fewSlowDeliveries_bringTheSizeDownSoon() {
    handlersTake(Duration.ofMillis(1), 8);
    assertThat(sizes.byRate()).isEqualTo(LaneSizes.LARGEST);
    for (int i = 0; i < 8; i++) {
      sizes.settled(Duration.ofSeconds(2).toNanos());
    }
    assertThat(sizes.byRate()).isEqualTo(1);
  }

  @Test
  void recordsThatWaitedInTheBuffer_bringItDownBeforeAnythingIsSettled() {
    handlersTake(Duration.ofNanos(50_000), 8);
    sizes.stalled(Duration.ofSeconds(1).toNanos());
    assertThat(sizes.byRate()).isEqualTo(1);
  }

  @Test
  void concurrencyThatEnds_isForgottenByAndBy() {
    handlersTake(Duration.ofMillis(10), 64);
    assertThat(sizes.byRate()).isEqualTo(LaneSizes.LARGEST);
    for (int i = 0; i < 200; i++) {
      sizes.concurrent(1);
    }
    assertThat(sizes.byRate()).isEqualTo(8);
  }
}
