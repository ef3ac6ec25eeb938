package dev.forebay.queue.loadtest.model;

import dev.forebay.queue.loadtest.trace.Request;
import java.time.Duration;

/**
 * How long a model computes for a request: {@code TTFT(input) + (output − 1) × TBT}.
 *
 * <p>The numbers are those of Llama-2-70B on eight H100 (P. Patel et al., "Splitwise", ISCA 2024):
 * the time to the first token by prompt length, linear between the measured points, and the time
 * between two tokens with {@value #BATCHED_TOGETHER} requests batched together.
 */
public final class ServiceTime {
  private static final int BATCHED_TOGETHER = 8;
  private static final double TOKEN_MILLIS = 29.7 + 0.31 * BATCHED_TOGETHER;

  private static final int[] PROMPT_TOKENS = {128, 512, 1024, 2048, 4096, 8192, 16384, 32768};
  private static final double[] FIRST_TOKEN_MILLIS = {58, 54, 78, 134, 376, 831, 1552, 2936};

  private ServiceTime() {}

  /** The time on hardware of {@code speed}. Prompts beyond the last point extend its line. */
  public static Duration of(Request request, SpeedClass speed) {
    double millis =
        firstTokenMillis(request.inputTokens())
            + Math.max(0, request.outputTokens() - 1) * TOKEN_MILLIS;
    return Duration.ofNanos(Math.round(millis * speed.slowdown() * 1e6));
  }

  private static double firstTokenMillis(int tokens) {
    if (tokens <= PROMPT_TOKENS[0]) {
      return FIRST_TOKEN_MILLIS[0];
    }
    int right = 1;
    while (right < PROMPT_TOKENS.length - 1 && tokens > PROMPT_TOKENS[right]) {
      right++;
    }
    int left = right - 1;
    double slope =
        (FIRST_TOKEN_MILLIS[right] - FIRST_TOKEN_MILLIS[left])
            / (PROMPT_TOKENS[right] - PROMPT_TOKENS[left]);
    return FIRST_TOKEN_MILLIS[left] + slope * (tokens - PROMPT_TOKENS[left]);
  }
}
