package dev.forebay.queue.policy;

/**
 * Chance as a function: numbers that look random and depend only on (seed, salt, step), so that a
 * policy can have jitter and still be pure (R3). Stateless.
 *
 * <p>Mixing: the finaliser of SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number
 * Generators", OOPSLA 2014). Text is folded in by 64-bit FNV-1a (Fowler, Noll, Vo).
 */
final class Mix {

  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;
  private static final long FNV_OFFSET = 0xCBF29CE484222325L;
  private static final long FNV_PRIME = 0x100000001B3L;

  private Mix() {}

  static long hash(String text) {
    long hash = FNV_OFFSET;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * FNV_PRIME;
    }
    return hash;
  }

  /** Evenly in [0, 1), with 53 bits. */
  static double unit(long seed, long salt, long step) {
    long mixed = mix(mix(seed ^ mix(salt)) + step * GOLDEN_GAMMA);
    return (mixed >>> 11) * 0x1.0p-53;
  }

  /** Evenly in [low, high]. */
  static long between(long low, long high, double unit) {
    // The product can round up to the width itself where that has more than 53 bits.
    return Math.min(high, low + (long) (unit * (high - low + 1.0)));
  }

  private static long mix(long value) {
    long z = value + GOLDEN_GAMMA;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
