package dev.forebay.queue.kafka;

import java.nio.ByteBuffer;

/**
 * Bits in few bytes: runs of all-zero and of all-one bytes as a length, others as they are. Each
 * piece begins with a varint of its length in bytes times four plus its kind. Stateless but for the
 * writer, which is not thread-safe.
 */
final class KeyedRuns {

  private static final int ZEROS = 0;
  private static final int ONES = 1;
  private static final int LITERAL = 2;

  /** A shorter run inside a literal costs less as part of it. */
  private static final int SHORTEST_RUN = 3;

  private static final int MAX_LENGTH_BYTES = 5;

  private KeyedRuns() {}

  /** Writes bits until they end or the room does. */
  static final class Writer {
    private final KeyedMetadata.Output out;
    private final byte[] literal;
    private int literalSize;
    private int runKind;
    private long run;
    private long bytes;
    private boolean full;

    Writer(int room) {
      this.out = new KeyedMetadata.Output(Math.max(0, room));
      this.literal = new byte[Math.max(1, room)];
    }

    /** Writes the bits of the offsets from {@code from} to before {@code to}. */
    void write(KeyedBits bits, long from, long to) {
      for (long at = from; at < to && !full; at += 64) {
        long word = bits.bitsFrom(at);
        int count = (int) Math.min(8, (to - at + 7) / 8);
        if (count == 8 && (word == 0 || word == -1L)) {
          run(word == 0 ? ZEROS : ONES, 8);
        } else {
          for (int i = 0; i < count; i++) {
            next((int) (word >>> (8 * i)) & 0xff);
          }
        }
      }
      finish();
    }

    /** Writes these bits. */
    void write(byte[] packed) {
      for (int i = 0; i < packed.length && !full; i++) {
        next(packed[i] & 0xff);
      }
      finish();
    }

    private void next(int value) {
      if (value == 0 || value == 0xff) {
        run(value == 0 ? ZEROS : ONES, 1);
      } else {
        endRun();
        literal(value);
      }
    }

    private void run(int kind, long count) {
      if (run > 0 && runKind != kind) {
        endRun();
      }
      runKind = kind;
      run += count;
    }

    private void endRun() {
      if (run == 0) {
        return;
      }
      if (run < SHORTEST_RUN && literalSize > 0) {
        for (; run > 0; run--) {
          literal(runKind == ZEROS ? 0 : 0xff);
        }
        return;
      }
      flushLiteral();
      if (out.room() < MAX_LENGTH_BYTES) {
        full = true;
      }
      if (!full) {
        out.varint((run << 2) | runKind);
        bytes += run;
      }
      run = 0;
    }

    private void literal(int value) {
      if (literalSize == literal.length) {
        flushLiteral();
      }
      if (!full) {
        literal[literalSize++] = (byte) value;
      }
    }

    private void flushLiteral() {
      if (literalSize == 0 || full) {
        return;
      }
      int fits = Math.min(literalSize, out.room() - MAX_LENGTH_BYTES);
      if (fits > 0) {
        out.varint(((long) fits << 2) | LITERAL);
        out.bytes(literal, fits);
        bytes += fits;
      }
      full = fits < literalSize;
      literalSize = 0;
    }

    private void finish() {
      endRun();
      flushLiteral();
    }

    /** Whether all bits were written. */
    boolean complete() {
      return !full;
    }

    /** How many bytes of bits were written. */
    long bytes() {
      return bytes;
    }

    byte[] array() {
      return out.array();
    }

    int size() {
      return out.size();
    }
  }

  /** Reads {@code bytes} bytes of bits into {@code bits}, the first of them being {@code from}. */
  static void read(ByteBuffer in, long bytes, KeyedBits bits, long from) {
    long at = 0;
    while (at < bytes) {
      long head = KeyedMetadata.varint(in, Long.MAX_VALUE >> 1);
      long length = head >> 2;
      if (length == 0 || length > bytes - at) {
        throw new IllegalArgumentException("a run beyond the end");
      }
      switch ((int) (head & 3)) {
        case ZEROS -> {}
        case ONES -> bits.setRange(from + 8 * at, from + 8 * (at + length));
        case LITERAL -> literal(in, length, bits, from + 8 * at);
        default -> throw new IllegalArgumentException("an unknown run");
      }
      at += length;
    }
  }

  private static void literal(ByteBuffer in, long length, KeyedBits bits, long from) {
    if (length > in.remaining()) {
      throw new IllegalArgumentException("cut off");
    }
    for (long offset = from; offset < from + 8 * length; offset += 8) {
      int value = in.get() & 0xff;
      for (int i = 0; i < 8; i++) {
        if ((value & (1 << i)) != 0) {
          bits.set(offset + i);
        }
      }
    }
  }
}
