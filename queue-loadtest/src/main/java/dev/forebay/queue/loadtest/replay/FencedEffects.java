package dev.forebay.queue.loadtest.replay;

/**
 * The effects of handlers, in a table that takes each of them once: a row a request, with the
 * fencing token of the delivery that works on it and whether its effect is there. What a database
 * does with {@code UPDATE ... WHERE token = ? AND NOT done}. Thread-safe.
 */
final class FencedEffects {

  private final long[] tokens;
  private final boolean[] done;
  private int effects;
  private int refused;

  FencedEffects(int requests) {
    tokens = new long[requests];
    done = new boolean[requests];
  }

  /** A delivery with this token begins; false when the effect is there already. */
  synchronized boolean begin(int request, long token) {
    if (done[request]) {
      return false;
    }
    tokens[request] = Math.max(tokens[request], token);
    return true;
  }

  /** Writes the effect; false for a delivery that was overtaken by one with a larger token. */
  synchronized boolean finish(int request, long token) {
    if (done[request] || tokens[request] != token) {
      refused++;
      return false;
    }
    done[request] = true;
    effects++;
    return true;
  }

  /** Requests whose effect is there. */
  synchronized int effects() {
    return effects;
  }

  /** Writes that came too late and changed nothing. */
  synchronized int refused() {
    return refused;
  }
}
