package dev.forebay.queue.redis;

import dev.forebay.queue.dedup.DedupKey;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;

/** What the scripts of both stores are called with. */
final class RedisArguments {

  /** A century: far from what Redis can add to its clock. */
  private static final Duration LONGEST = Duration.ofDays(36_500);

  private RedisArguments() {}

  static byte[] key(String prefix, DedupKey key) {
    String text = Base64.getUrlEncoder().withoutPadding().encodeToString(key.bytes());
    return (prefix + text).getBytes(StandardCharsets.UTF_8);
  }

  /** In whole milliseconds, upwards: none is too short for Redis. */
  static byte[] millis(String what, Duration duration) {
    if (duration.isNegative() || duration.isZero()) {
      throw new IllegalArgumentException(what + " must be positive, not " + duration);
    }
    Duration shorter = duration.compareTo(LONGEST) < 0 ? duration : LONGEST;
    long millis = shorter.plusNanos(999_999).toMillis();
    return Long.toString(millis).getBytes(StandardCharsets.US_ASCII);
  }
}
