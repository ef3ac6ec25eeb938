package dev.forebay.queue.spi;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The checks every backend makes before it sends anything, against its own capabilities (E3).
 * Stateless.
 */
public final class Checks {

  private static final int MAX_HEADER_NAME = 128;
  private static final int MAX_TYPE = 128;

  private Checks() {}

  /**
   * Whether the queue can carry a message.
   *
   * @param wireBytes the message's size as the backend encodes it; {@link #plainSize} where that is
   *     the same
   * @return null when it can; else a failure whose text names the limit
   */
  public static EnqueueOutcome.@Nullable Failed message(
      Message message, Capabilities can, long wireBytes) {
    String reason = unfit(message, can, wireBytes);
    if (reason == null) {
      return null;
    }
    return new EnqueueOutcome.Failed(ErrorCode.INVALID_MESSAGE, reason);
  }

  /** Body, key and headers in UTF-8 bytes. */
  public static long plainSize(Message message) {
    long size = message.bodySize() + message.key().map(Checks::utf8).orElse(0L);
    for (Map.Entry<String, String> header : message.headers().entrySet()) {
      size += utf8(header.getKey()) + utf8(header.getValue());
    }
    return size;
  }

  /** Whether the queue offers the delay of this message; null when it does (E4). */
  public static EnqueueOutcome.@Nullable Failed enqueueDelay(Message message, Capabilities can) {
    if (message.delay().compareTo(can.maxEnqueueDelay()) <= 0) {
      return null;
    }
    return new EnqueueOutcome.Failed(
        ErrorCode.UNSUPPORTED,
        "A delay of "
            + message.delay()
            + " is beyond what this "
            + can.backend()
            + " queue offers at enqueue: "
            + can.maxEnqueueDelay()
            + " at most. Enqueue later, or choose a queue that delays longer.");
  }

  /** Rejects poll arguments that make no sense. */
  public static void poll(int max, Duration wait) {
    if (max < 1) {
      throw new IllegalArgumentException("poll needs a maximum of at least 1, not " + max);
    }
    if (wait.isNegative()) {
      throw new IllegalArgumentException("poll needs a wait of zero or more, not " + wait);
    }
  }

  /** Rejects a lease outside the queue's bounds (L3). */
  public static void lease(Duration lease, Capabilities can) {
    if (lease.compareTo(can.minLease()) < 0 || lease.compareTo(can.maxLease()) > 0) {
      throw new IllegalArgumentException(
          "A lease of "
              + lease
              + " is outside what this "
              + can.backend()
              + " queue grants: "
              + can.minLease()
              + " to "
              + can.maxLease()
              + ".");
    }
  }

  /** Rejects a release delay that the queue does not offer (R1). */
  public static void releaseDelay(Duration delay, Capabilities can) {
    if (delay.isNegative()) {
      throw new IllegalArgumentException("A delay must not be negative: " + delay);
    }
    if (delay.compareTo(can.maxReleaseDelay()) > 0) {
      throw new QueueException(
          ErrorCode.UNSUPPORTED,
          "A delay of "
              + delay
              + " is beyond what this "
              + can.backend()
              + " queue offers at release: "
              + can.maxReleaseDelay()
              + " at most.");
    }
  }

  /** Rejects dead-lettering on a queue without a destination (R5). */
  public static void deadLetters(Capabilities can) {
    if (!can.deadLetters()) {
      throw new QueueException(
          ErrorCode.UNSUPPORTED,
          "This "
              + can.backend()
              + " queue has no dead-letter destination. Set one in the queue's builder.");
    }
  }

  private static @Nullable String unfit(Message message, Capabilities can, long wireBytes) {
    if (wireBytes > can.maxMessageBytes()) {
      return "The message takes "
          + wireBytes
          + " bytes with its key and headers; the limit is "
          + can.maxMessageBytes()
          + ". Store large payloads elsewhere and enqueue a reference.";
    }
    if (message.headers().size() > can.maxHeaders()) {
      return "The message has "
          + message.headers().size()
          + " headers; the limit is "
          + can.maxHeaders()
          + ".";
    }
    for (Map.Entry<String, String> header : message.headers().entrySet()) {
      if (!isHeaderName(header.getKey())) {
        return "A header name must be 1 to "
            + MAX_HEADER_NAME
            + " letters, digits, '-', '_' or '.' of ASCII, without '.' at an end or twice in a row: "
            + quote(header.getKey());
      }
      if (!isText(header.getValue())) {
        return "The value of header "
            + header.getKey()
            + " has a control character or a lone surrogate, which not every broker can carry.";
      }
    }
    String id = unfitId("key", message.key().orElse(null), can.maxKeyBytes());
    if (id == null) {
      id = unfitId("dedup id", message.dedupId().orElse(null), can.maxDedupIdBytes());
    }
    return id == null ? unfitId("type", message.type().orElse(null), MAX_TYPE) : id;
  }

  private static @Nullable String unfitId(String what, @Nullable String value, int maxBytes) {
    if (value == null) {
      return null;
    }
    if (value.isEmpty() || !isText(value)) {
      return "A " + what + " must not be empty nor have control characters or lone surrogates.";
    }
    long size = utf8(value);
    return size <= maxBytes
        ? null
        : "The " + what + " takes " + size + " bytes; the limit is " + maxBytes + ".";
  }

  private static boolean isHeaderName(String name) {
    if (name.isEmpty()
        || name.length() > MAX_HEADER_NAME
        || name.startsWith(".")
        || name.endsWith(".")
        || name.contains("..")) {
      return false;
    }
    return name.chars()
        .allMatch(
            c ->
                (c >= 'a' && c <= 'z')
                    || (c >= 'A' && c <= 'Z')
                    || (c >= '0' && c <= '9')
                    || c == '-'
                    || c == '_'
                    || c == '.');
  }

  /**
   * Text that every broker carries unchanged: no control character but tab, no lone surrogate, no
   * non-character.
   */
  private static boolean isText(String value) {
    for (int i = 0; i < value.length(); ) {
      int c = value.codePointAt(i);
      if ((Character.isISOControl(c) && c != '\t')
          || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)
          || c == 0xFFFE
          || c == 0xFFFF) {
        return false;
      }
      i += Character.charCount(c);
    }
    return true;
  }

  private static long utf8(String value) {
    return value.getBytes(StandardCharsets.UTF_8).length;
  }

  private static String quote(String name) {
    StringBuilder out = new StringBuilder("\"");
    name.chars()
        .limit(40)
        .forEach(
            c ->
                out.append(
                    c >= 0x20 && c < 0x7f
                        ? String.valueOf((char) c)
                        : String.format("\\u%04x", c)));
    return out.append('"').toString();
  }
}
