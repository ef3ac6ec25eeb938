package dev.forebay.queue.loadtest.trace;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Bursty traffic like that of a code assistant, drawn from a seed: bursts of requests a tenth of a
 * second apart, with pauses of seconds to minutes between them.
 *
 * <p>The distributions were fitted to the code service of the Azure LLM inference trace of 2023 (P.
 * Patel et al., "Splitwise", ISCA 2024): log-normal burst sizes, Gamma gaps inside a burst,
 * log-normal pauses and token counts. The same seed gives the same requests on every JDK, because
 * {@link Random}'s algorithm is part of its specification. Not thread-safe.
 */
public final class CodeLikeTraffic {
  private static final double BURST_MU = 3.29;
  private static final double BURST_SIGMA = 1.42;
  private static final int BURST_CAP = 600;

  /** Gamma with shape 0.5, which is what the square of a standard normal value follows. */
  private static final double MEAN_GAP_MILLIS = 92;

  private static final double PAUSE_MU = 1.71;
  private static final double PAUSE_SIGMA = 1.47;
  private static final double SHORTEST_PAUSE_SECONDS = 1;
  private static final double LONGEST_PAUSE_SECONDS = 220;

  private static final double INPUT_MU = 7.00;
  private static final double INPUT_SIGMA = 1.36;
  private static final double OUTPUT_MU = 2.79;
  private static final double OUTPUT_SIGMA = 0.85;

  /** Where the profile of service times ends; the fitted tail beyond it has no measurement. */
  private static final int MOST_TOKENS = 32_768;

  private final long seed;
  private final Random random;

  /** Traffic that depends on nothing but {@code seed}. */
  public CodeLikeTraffic(long seed) {
    this.seed = seed;
    this.random = new Random(seed);
  }

  /** Draws the next {@code count} requests as a trace of their own. */
  public Trace generate(int count) {
    List<Request> requests = new ArrayList<>(count);
    double millis = 0;
    int leftInBurst = nextBurstSize();
    while (requests.size() < count) {
      Duration arrival = Duration.ofNanos(Math.round(millis * 1e6));
      requests.add(new Request(arrival, nextInputTokens(), nextOutputTokens()));
      leftInBurst--;
      if (leftInBurst > 0) {
        millis += nextGapMillis();
      } else {
        millis += nextPauseSeconds() * 1_000;
        leftInBurst = nextBurstSize();
      }
    }
    return new Trace("generated code-like traffic, seed " + seed, requests);
  }

  int nextBurstSize() {
    return clip(logNormal(BURST_MU, BURST_SIGMA), BURST_CAP);
  }

  double nextGapMillis() {
    double z = random.nextGaussian();
    return MEAN_GAP_MILLIS * z * z;
  }

  double nextPauseSeconds() {
    double drawn = logNormal(PAUSE_MU, PAUSE_SIGMA);
    return Math.min(LONGEST_PAUSE_SECONDS, Math.max(SHORTEST_PAUSE_SECONDS, drawn));
  }

  int nextInputTokens() {
    return clip(logNormal(INPUT_MU, INPUT_SIGMA), MOST_TOKENS);
  }

  int nextOutputTokens() {
    return clip(logNormal(OUTPUT_MU, OUTPUT_SIGMA), MOST_TOKENS);
  }

  private double logNormal(double mu, double sigma) {
    // StrictMath: Math.exp may differ in the last bit from one machine to the next.
    return StrictMath.exp(mu + sigma * random.nextGaussian());
  }

  private static int clip(double value, int cap) {
    return (int) Math.min(cap, Math.max(1, Math.round(value)));
  }
}
