package dev.forebay.queue.loadtest.replay;

import java.util.Arrays;

/**
 * The effects of handlers, in a table with a row a request: the fencing token of the newest
 * delivery that works on it, and how often its effect was written. What a database does with {@code
 * UPDATE ... WHERE token = ?}: only the tokens keep an effect from being written twice.
 * Thread-safe.
 */
final class FencedEffects {

  private final boolean fenced;
  private final long[] tokens;
  private final int[] written;
  private int completions;
  private int refused;

  /**
   * No effects yet.
   *
   * @param fenced false writes whatever the token, to see what tokens are good for
   */
  FencedEffects(int requests, boolean fenced) {
    this.fenced = fenced;
    tokens = new long[requests];
    written = new int[requests];
  }

  /** A delivery with this token begins; false when the effect is there already. */
  synchronized boolean begin(int request, long token) {
    if (written[request] > 0) {
      return false;
    }
    tokens[request] = Math.max(tokens[request], token);
    return true;
  }

  /**
   * Work was carried to its end and writes its effect.
   *
   * @return false for a delivery that was overtaken by one with a larger token
   */
  synchronized boolean finish(int request, long token) {
    completions++;
    if (fenced && tokens[request] != token) {
      refused++;
      return false;
    }
    written[request]++;
    return true;
  }

  /** How often work was carried to its end, whether its write was accepted or not. */
  synchronized int completions() {
    return completions;
  }

  /** Requests whose effect is there. */
  synchronized int effects() {
    return (int) Arrays.stream(written).filter(times -> times > 0).count();
  }

  /** Accepted writes beyond the first of each request. */
  synchronized int doneTwice() {
    return Arrays.stream(written).sum() - effects();
  }

  /** Writes that came too late and changed nothing. */
  synchronized int refused() {
    return refused;
  }
}
