package dev.forebay.queue.kafka;

/**
 * A set of offsets that slides forward: one bit each from a moving start, in a ring of words that
 * grows with the span between the first and the last. O(1) a bit. Not thread-safe.
 */
final class KeyedBits {

  /** A power of two; slots outside of [firstWord, endWord) are zero. */
  private long[] ring = new long[16];

  private long firstWord;
  private long endWord;

  /** An empty set of offsets not below {@code start}. */
  KeyedBits(long start) {
    this.firstWord = start >> 6;
    this.endWord = firstWord;
  }

  boolean get(long offset) {
    return (word(offset >> 6) & (1L << offset)) != 0;
  }

  /** An offset below the start stays out. */
  void set(long offset) {
    long word = offset >> 6;
    if (word >= firstWord) {
      reach(word);
      ring[slot(word)] |= 1L << offset;
    }
  }

  void clear(long offset) {
    long word = offset >> 6;
    if (word >= firstWord && word < endWord) {
      ring[slot(word)] &= ~(1L << offset);
    }
  }

  /** Adds the offsets from {@code from} to before {@code to}. */
  void setRange(long from, long to) {
    long at = Math.max(from, firstWord << 6);
    while (at < to && (at & 63) != 0) {
      set(at++);
    }
    for (; at + 64 <= to; at += 64) {
      reach(at >> 6);
      ring[slot(at >> 6)] = -1L;
    }
    while (at < to) {
      set(at++);
    }
  }

  /** The first offset from {@code from} on that is not in the set. */
  long nextClear(long from) {
    long word = from >> 6;
    long absent = ~word(word) & (-1L << from);
    while (absent == 0) {
      absent = ~word(++word);
    }
    return (word << 6) + Long.numberOfTrailingZeros(absent);
  }

  /**
   * One beyond the largest offset of the set; at most {@code floor} when there is none above it.
   */
  long end(long floor) {
    for (long word = endWord - 1; word >= firstWord; word--) {
      long bits = ring[slot(word)];
      if (bits != 0) {
        return Math.max(floor, (word << 6) + 64 - Long.numberOfLeadingZeros(bits));
      }
    }
    return floor;
  }

  /** How many are in the set. */
  long count() {
    long count = 0;
    for (long bits : ring) {
      count += Long.bitCount(bits);
    }
    return count;
  }

  /** 64 bits from {@code offset} on, that of the offset itself lowest. */
  long bitsFrom(long offset) {
    long word = offset >> 6;
    int shift = (int) (offset & 63);
    return shift == 0 ? word(word) : (word(word) >>> shift) | (word(word + 1) << (64 - shift));
  }

  /** Forgets what is below {@code offset}. */
  void dropBefore(long offset) {
    long word = offset >> 6;
    if (word <= firstWord) {
      return;
    }
    for (long drop = firstWord; drop < Math.min(word, endWord); drop++) {
      ring[slot(drop)] = 0;
    }
    firstWord = word;
    endWord = Math.max(endWord, word);
  }

  private long word(long word) {
    return word < firstWord || word >= endWord ? 0 : ring[slot(word)];
  }

  private int slot(long word) {
    return (int) (word & (ring.length - 1));
  }

  private void reach(long word) {
    if (word < endWord) {
      return;
    }
    if (word - firstWord >= ring.length) {
      long[] old = ring;
      int length = old.length;
      while (word - firstWord >= length) {
        length *= 2;
      }
      ring = new long[length];
      for (long w = firstWord; w < endWord; w++) {
        ring[slot(w)] = old[(int) (w & (old.length - 1))];
      }
    }
    endWord = word + 1;
  }
}
