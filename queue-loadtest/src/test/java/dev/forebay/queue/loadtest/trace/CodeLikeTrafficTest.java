package dev.forebay.queue.loadtest.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.Arrays;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Holds the generator against the parameters that were fitted to the Azure code trace. */
class CodeLikeTrafficTest {
  private static final int DRAWS = 200_000;

  private final CodeLikeTraffic traffic = new CodeLikeTraffic(1);

  @Test
  void burstSizes_areLogNormalAndCapped() {
    double[] sizes = draw(traffic::nextBurstSize);

    assertThat(sizes[DRAWS / 2]).isCloseTo(Math.exp(3.29), within(0.7));
    assertThat(quantileSigma(sizes)).isCloseTo(1.42, within(0.03));
    assertThat(sizes[0]).isEqualTo(1);
    assertThat(sizes[DRAWS - 1]).isEqualTo(600);
  }

  @Test
  void gapsInABurst_haveTheMeanAndTheShapeOfTheGammaDistribution() {
    double[] gaps = draw(traffic::nextGapMillis);
    double mean = Arrays.stream(gaps).average().orElseThrow();
    double variance = Arrays.stream(gaps).map(g -> (g - mean) * (g - mean)).average().orElseThrow();

    assertThat(mean).isCloseTo(92, within(1.5));
    // A Gamma distribution's shape is mean² ÷ variance.
    assertThat(mean * mean / variance).isCloseTo(0.5, within(0.02));
  }

  @Test
  void pauses_areLogNormalAndClipped() {
    double[] pauses = draw(traffic::nextPauseSeconds);

    assertThat(pauses[DRAWS / 2]).isCloseTo(Math.exp(1.71), within(0.1));
    assertThat(pauses[0]).isEqualTo(1);
    assertThat(pauses[DRAWS - 1]).isEqualTo(220);
  }

  @Test
  void tokens_areLogNormal() {
    double[] input = draw(traffic::nextInputTokens);
    double[] output = draw(traffic::nextOutputTokens);

    assertThat(input[DRAWS / 2]).isCloseTo(Math.exp(7.00), within(20.0));
    assertThat(quantileSigma(input)).isCloseTo(1.36, within(0.02));
    assertThat(output[DRAWS / 2]).isCloseTo(Math.exp(2.79), within(0.51));
    assertThat(quantileSigma(output)).isCloseTo(0.85, within(0.03));
    assertThat(input[0]).isGreaterThanOrEqualTo(1);
    assertThat(input[DRAWS - 1]).isLessThanOrEqualTo(32_768);
  }

  @Test
  void traffic_isAsBurstyAsTheTraceItWasFittedTo() {
    Trace trace = new CodeLikeTraffic(2).generate(50_000);
    double seconds = trace.span().toMillis() / 1e3;
    double rate = trace.size() / seconds;

    // The trace itself: 2.57 requests a second, 26 times that in the busiest second, CV 13.
    assertThat(rate).isBetween(2.0, 5.0);
    assertThat(busiestSecond(trace) / rate).isGreaterThan(8);
    assertThat(gapVariation(trace)).isGreaterThan(5);
    assertThat(gapVariation(PoissonControl.of(trace, 3))).isCloseTo(1, within(0.05));
  }

  @Test
  void sameSeed_sameTraffic() {
    assertThat(new CodeLikeTraffic(7).generate(1_000))
        .isEqualTo(new CodeLikeTraffic(7).generate(1_000))
        .isNotEqualTo(new CodeLikeTraffic(8).generate(1_000));
  }

  @Test
  void control_keepsSizesAndSpan() {
    Trace trace = new CodeLikeTraffic(7).generate(1_000);
    Trace control = PoissonControl.of(trace, 7);

    assertThat(control.span()).isCloseTo(trace.span(), Duration.ofMillis(1));
    assertThat(control.requests())
        .extracting(Request::inputTokens)
        .isEqualTo(trace.requests().stream().map(Request::inputTokens).toList());
    assertThat(control.requests())
        .extracting(Request::outputTokens)
        .isEqualTo(trace.requests().stream().map(Request::outputTokens).toList());
    assertThat(control).isEqualTo(PoissonControl.of(trace, 7));
  }

  @Test
  void controlOfASingleRequest_isThatRequest() {
    Trace trace = new CodeLikeTraffic(7).generate(1);

    assertThat(PoissonControl.of(trace, 7).requests()).isEqualTo(trace.requests());
  }

  private static double[] draw(DoubleSupplier source) {
    return DoubleStream.generate(source).limit(DRAWS).sorted().toArray();
  }

  /** The spread of a log-normal distribution from its quartiles, which clipping does not touch. */
  private static double quantileSigma(double[] sorted) {
    double quartiles = Math.log(sorted[DRAWS * 3 / 4] / sorted[DRAWS / 4]);
    return quartiles / (2 * 0.67449);
  }

  private static double gapVariation(Trace trace) {
    double[] gaps =
        IntStream.range(1, trace.size())
            .mapToDouble(
                i ->
                    trace.requests().get(i).arrival().toNanos()
                        - trace.requests().get(i - 1).arrival().toNanos())
            .toArray();
    double mean = Arrays.stream(gaps).average().orElseThrow();
    double variance = Arrays.stream(gaps).map(g -> (g - mean) * (g - mean)).average().orElseThrow();
    return Math.sqrt(variance) / mean;
  }

  private static double busiestSecond(Trace trace) {
    int[] counts = new int[(int) trace.span().toSeconds() + 1];
    trace.requests().forEach(r -> counts[(int) r.arrival().toSeconds()]++);
    return Arrays.stream(counts).max().orElseThrow();
  }
}
