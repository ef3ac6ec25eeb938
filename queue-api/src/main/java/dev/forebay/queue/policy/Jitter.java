package dev.forebay.queue.policy;

/**
 * How chance spreads the delays of a {@link Backoff}, so that what failed together does not come
 * back together. Below, {@code wait(n) = min(cap, base × 2^(n-1))} is the delay of attempt {@code
 * n} without jitter.
 *
 * <p>Formulas: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
public enum Jitter {
  /** Exactly {@code wait(n)}: for tests, or where something else spreads the load. */
  NONE,
  /** Evenly between 0 and {@code wait(n)}: the least load on what is recovering. */
  FULL,
  /** Evenly between half of {@code wait(n)} and all of it: never comes back at once. */
  EQUAL,
  /**
   * {@code d(n) = min(cap, evenly between base and 3 × d(n-1))} with {@code d(0) = base}: grows
   * from what the attempt before waited rather than from the attempt's number.
   */
  DECORRELATED
}
