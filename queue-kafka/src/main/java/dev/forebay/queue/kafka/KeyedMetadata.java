package dev.forebay.queue.kafka;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.kafka.KeyedLedger.Retry;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link KeyedLedger} knows beyond its base, as the metadata of an offset commit: text of at
 * most {@value #MAX_CHARS} characters (C8).
 *
 * <p>Format: {@code f1.} and Base64 of
 *
 * <pre>
 * version 1 | term | resolved offsets | started offsets | retries | CRC-32 of the offset and all this
 * </pre>
 *
 * <p>Numbers are varints. Offsets are bits from the committed one on, in bytes, coded as runs of
 * all-zero or all-one bytes and stretches of others ({@link KeyedRuns}): a straggler costs some
 * four bytes however much is resolved beyond it, and the worst mixture a bit an offset. Started
 * offsets and retries are counted among the unresolved ones, where they stand together, and equal
 * retries in a row are one entry. Not-before times are in units of {@value #UNIT_MILLIS} ms,
 * rounded up.
 *
 * <p>What does not fit is left out from its end: of resolved offsets the last, which are then not
 * persisted ({@link Encoded#covered}); then of started ones and retries. What cannot be read, or
 * belongs to another offset, is taken for nothing: the records are delivered again. Stateless.
 */
final class KeyedMetadata {

  /** The brokers' default of {@code offset.metadata.max.bytes}. */
  static final int MAX_CHARS = 4096;

  static final int UNIT_MILLIS = 64;

  private static final String PREFIX = "f1.";
  private static final int VERSION = 1;
  private static final int CRC_BYTES = 4;

  /** The version, the term and the numbers before each part. */
  private static final int FRAME_BYTES = 1 + 5 + 3 + 3 + 3 + 6 + CRC_BYTES;

  /** A retry entry: six varints, of which the counts are small as a rule. */
  private static final int MAX_RETRY_BYTES = 36;

  /** No message is attempted so often; more would overflow when added. */
  private static final long MAX_COUNT = 1 << 24;

  /** More records than a member may hold; a bound for what is read. */
  static final int MAX_RETRIES = 1 << 18;

  /** Some thousand years. */
  private static final long MAX_UNITS = 1L << 40;

  private KeyedMetadata() {}

  /**
   * A ledger as text.
   *
   * @param covered offsets from here on are not told as resolved, even if they are
   * @param fill how much of the room is used, from 0 to 1
   * @param complete whether nothing was left out
   */
  record Encoded(String text, long covered, double fill, boolean complete) {}

  /**
   * What was persisted.
   *
   * @param term that of the member that wrote it
   * @param resolved resolved offsets beyond the committed one
   * @param retries what deliveries before had come to; one that was in somebody's hand counts as a
   *     lost lease
   */
  record Restored(int term, KeyedBits resolved, Map<Long, Retry> retries) {}

  /**
   * Writes what {@code ledger} knows beyond its base.
   *
   * @param maxChars most characters, at least 100
   */
  static Encoded encode(KeyedLedger ledger, int term, int maxChars) {
    int max = (Math.min(maxChars, MAX_CHARS) - PREFIX.length()) * 3 / 4;
    long base = ledger.base();
    KeyedBits resolved = ledger.resolvedBits();
    long end = resolved.end(base);

    KeyedRuns.Writer resolvedRuns = new KeyedRuns.Writer(max - FRAME_BYTES);
    resolvedRuns.write(resolved, base, end);
    boolean complete = resolvedRuns.complete();
    long covered = complete ? Long.MAX_VALUE : base + 8 * resolvedRuns.bytes();
    int room = max - FRAME_BYTES - resolvedRuns.size();

    byte[] packed = startedAmongUnresolved(ledger, Math.min(covered, ledger.next()));
    // A poison record must be counted, but a third of what is left is much for that.
    KeyedRuns.Writer startedRuns = new KeyedRuns.Writer(room / 3);
    startedRuns.write(packed);
    complete &= startedRuns.complete();
    room -= startedRuns.size();

    Output retries = new Output(Math.max(0, room));
    RetryRuns runs = writeRetries(ledger, covered, retries);
    complete &= runs.complete;

    Output out = new Output(max - CRC_BYTES);
    out.write(VERSION);
    out.varint(term);
    out.varint(resolvedRuns.bytes());
    out.bytes(resolvedRuns.array(), resolvedRuns.size());
    out.varint(startedRuns.bytes());
    out.bytes(startedRuns.array(), startedRuns.size());
    out.varint(runs.count);
    if (runs.count > 0) {
      out.varint(runs.firstUnit);
      out.bytes(retries.array(), retries.size());
    }
    String text = seal(Arrays.copyOf(out.array(), out.size()), base);
    return new Encoded(text, covered, (double) out.size() / max, complete);
  }

  /** Content as text, with the checksum for this offset. */
  static String seal(byte[] content, long offset) {
    byte[] sealed =
        ByteBuffer.allocate(content.length + CRC_BYTES)
            .put(content)
            .putInt(crc(offset, content, content.length))
            .array();
    return PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(sealed);
  }

  /** One bit for each unresolved offset below {@code end}: whether it is in somebody's hand. */
  private static byte[] startedAmongUnresolved(KeyedLedger ledger, long end) {
    KeyedBits resolved = ledger.resolvedBits();
    KeyedBits started = ledger.startedBits();
    long last = Math.min(end, started.end(ledger.base()));
    byte[] packed = new byte[64];
    int index = 0;
    for (long at = resolved.nextClear(ledger.base()); at < last; at = resolved.nextClear(at + 1)) {
      if (index >> 3 == packed.length) {
        packed = Arrays.copyOf(packed, packed.length * 2);
      }
      if (started.get(at)) {
        packed[index >> 3] |= (byte) (1 << (index & 7));
      }
      index++;
    }
    return Arrays.copyOf(packed, (index + 7) >> 3);
  }

  private static final class RetryRuns {
    int count;
    long firstUnit;
    boolean complete = true;
  }

  private static RetryRuns writeRetries(KeyedLedger ledger, long covered, Output out) {
    RetryRuns runs = new RetryRuns();
    if (ledger.retries().isEmpty()) {
      return runs;
    }
    runs.firstUnit = Long.MAX_VALUE;
    for (Retry retry : ledger.retries().values()) {
      if (retry.notBefore() > 0) {
        runs.firstUnit = Math.min(runs.firstUnit, units(retry.notBefore()));
      }
    }
    if (runs.firstUnit == Long.MAX_VALUE) {
      runs.firstUnit = 0;
    }
    KeyedBits resolved = ledger.resolvedBits();
    long at = resolved.nextClear(ledger.base());
    long skip = 0;
    long length = 0;
    @Nullable Retry current = null;
    for (Map.Entry<Long, Retry> entry : ledger.retries().entrySet()) {
      long offset = entry.getKey();
      if (offset >= covered || out.room() < 2 * MAX_RETRY_BYTES) {
        runs.complete = offset >= covered && runs.complete;
        break;
      }
      long between = 0;
      while (at < offset) {
        between++;
        at = resolved.nextClear(at + 1);
      }
      if (current != null && between == 0 && current.equals(entry.getValue())) {
        length++;
      } else {
        if (current != null) {
          writeRetry(out, skip, length, current, runs);
        }
        skip = between;
        length = 1;
        current = entry.getValue();
      }
      at = resolved.nextClear(at + 1);
    }
    if (current != null) {
      writeRetry(out, skip, length, current, runs);
    }
    return runs;
  }

  private static void writeRetry(Output out, long skip, long length, Retry retry, RetryRuns runs) {
    runs.count++;
    out.varint(skip);
    out.varint(length);
    out.varint(Math.min(MAX_COUNT, retry.attempts().failed()));
    out.varint(Math.min(MAX_COUNT, retry.attempts().leaseLost()));
    out.varint(Math.min(MAX_COUNT, retry.attempts().returned()));
    out.varint(retry.notBefore() == 0 ? 0 : units(retry.notBefore()) - runs.firstUnit + 1);
  }

  private static long units(long millis) {
    return (millis + UNIT_MILLIS - 1) / UNIT_MILLIS;
  }

  /**
   * Reads what was committed with {@code offset}.
   *
   * @return null when it is not what this class writes for that offset
   */
  static @Nullable Restored decode(String text, long offset) {
    if (!text.startsWith(PREFIX) || text.length() > MAX_CHARS || offset < 0) {
      return null;
    }
    try {
      byte[] content = Base64.getUrlDecoder().decode(text.substring(PREFIX.length()));
      int end = content.length - CRC_BYTES;
      if (end < 1 || ByteBuffer.wrap(content).getInt(end) != crc(offset, content, end)) {
        return null;
      }
      return read(ByteBuffer.wrap(content, 0, end), offset);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static Restored read(ByteBuffer in, long offset) {
    if (varint(in, VERSION) != VERSION) {
      throw new IllegalArgumentException("version");
    }
    int term = (int) varint(in, Integer.MAX_VALUE);
    KeyedBits resolved = new KeyedBits(offset);
    KeyedRuns.read(in, varint(in, KeyedLedger.MAX_SPAN / 8 + 1), resolved, offset);
    KeyedBits started = new KeyedBits(0);
    long startedBytes = varint(in, KeyedLedger.MAX_SPAN / 8 + 1);
    KeyedRuns.read(in, startedBytes, started, 0);
    TreeMap<Long, Retry> retries = new TreeMap<>();
    readRetries(in, offset, resolved, retries);
    if (in.hasRemaining()) {
      throw new IllegalArgumentException("trailing bytes");
    }
    long index = 0;
    long last = started.end(0);
    for (long at = resolved.nextClear(offset); index < last; at = resolved.nextClear(at + 1)) {
      if (started.get(index)) {
        if (retries.size() >= MAX_RETRIES) {
          throw new IllegalArgumentException("too many started");
        }
        Retry before = retries.get(at);
        Attempts attempts = before == null ? Attempts.NONE : before.attempts();
        retries.put(at, new Retry(attempts.plusLeaseLost(), 0));
      }
      index++;
    }
    return new Restored(term, resolved, retries);
  }

  private static void readRetries(
      ByteBuffer in, long offset, KeyedBits resolved, Map<Long, Retry> retries) {
    long count = varint(in, MAX_CHARS);
    if (count == 0) {
      return;
    }
    long firstUnit = varint(in, MAX_UNITS);
    long at = resolved.nextClear(offset);
    long seen = 0;
    for (long run = 0; run < count; run++) {
      long skip = varint(in, KeyedLedger.MAX_SPAN);
      long length = varint(in, KeyedLedger.MAX_SPAN);
      Attempts attempts =
          new Attempts(
              (int) varint(in, MAX_COUNT),
              (int) varint(in, MAX_COUNT),
              (int) varint(in, MAX_COUNT));
      long unit = varint(in, MAX_UNITS - firstUnit);
      Retry retry = new Retry(attempts, unit == 0 ? 0 : (firstUnit + unit - 1) * UNIT_MILLIS);
      seen += skip + length;
      if (seen > KeyedLedger.MAX_SPAN || retries.size() + length > MAX_RETRIES) {
        throw new IllegalArgumentException("retries beyond the span");
      }
      for (long i = 0; i < skip; i++) {
        at = resolved.nextClear(at + 1);
      }
      for (long i = 0; i < length; i++) {
        retries.put(at, retry);
        at = resolved.nextClear(at + 1);
      }
    }
  }

  private static int crc(long offset, byte[] content, int length) {
    CRC32 crc = new CRC32();
    crc.update(ByteBuffer.allocate(Long.BYTES).putLong(0, offset));
    crc.update(content, 0, length);
    return (int) crc.getValue();
  }

  /** Reads a number of at most {@code max}. */
  static long varint(ByteBuffer in, long max) {
    long value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      if (!in.hasRemaining()) {
        throw new IllegalArgumentException("cut off");
      }
      byte next = in.get();
      value |= (next & 0x7fL) << shift;
      if (next >= 0) {
        if (value > max) {
          throw new IllegalArgumentException("a number beyond its limit");
        }
        return value;
      }
    }
    throw new IllegalArgumentException("a number too long");
  }

  /** Bytes up to a fixed capacity; whoever writes looks at the room first. */
  static final class Output {
    private final byte[] bytes;
    private int size;

    Output(int capacity) {
      this.bytes = new byte[capacity];
    }

    void write(int value) {
      bytes[size++] = (byte) value;
    }

    void varint(long value) {
      long rest = value;
      while (rest > 0x7f) {
        write((int) ((rest & 0x7f) | 0x80));
        rest >>>= 7;
      }
      write((int) rest);
    }

    void bytes(byte[] source, int length) {
      System.arraycopy(source, 0, bytes, size, length);
      size += length;
    }

    byte[] array() {
      return bytes;
    }

    int size() {
      return size;
    }

    int room() {
      return bytes.length - size;
    }
  }
}
