package dev.forebay.queue.dedup;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * What makes two pieces of work the same one: the SHA-256 of its parts, each with its length in
 * front, so that no choice of parts can pass for another one (U3).
 *
 * <p>Equal parts in equal order give equal keys in every process and version. Immutable and
 * thread-safe.
 */
public final class DedupKey {

  /** Bytes of a key. */
  private static final int BYTES = 32;

  // Four longs take a third of the heap that an array and its header would, a million times.
  private final long a;
  private final long b;
  private final long c;
  private final long d;

  private DedupKey(ByteBuffer digest) {
    a = digest.getLong();
    b = digest.getLong();
    c = digest.getLong();
    d = digest.getLong();
  }

  /**
   * The key of these parts, for example a tenant, a kind of work and an id; the same characters
   * split in another way give another key.
   *
   * @throws IllegalArgumentException when there is no part
   */
  public static DedupKey of(String... parts) {
    if (parts.length == 0) {
      throw new IllegalArgumentException("A dedup key needs at least one part.");
    }
    MessageDigest digest = sha256();
    for (String part : parts) {
      digest.update(lengthPrefixed(part));
    }
    return new DedupKey(ByteBuffer.wrap(digest.digest()));
  }

  /** The key as 32 bytes, in an array of the caller's own. */
  public byte[] bytes() {
    return ByteBuffer.allocate(BYTES).putLong(a).putLong(b).putLong(c).putLong(d).array();
  }

  private static ByteBuffer lengthPrefixed(String part) {
    // Its characters as they are: every charset writes lone surrogates alike.
    ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES + part.length() * Character.BYTES);
    bytes.putInt(part.length());
    for (int i = 0; i < part.length(); i++) {
      bytes.putChar(part.charAt(i));
    }
    return bytes.flip();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("Every Java platform has SHA-256", e);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof DedupKey key && a == key.a && b == key.b && c == key.c && d == key.d;
  }

  @Override
  public int hashCode() {
    // Any part of a SHA-256 is as good as all of it.
    return Long.hashCode(a);
  }

  /** The key in hexadecimal; says nothing about what it was made of. */
  @Override
  public String toString() {
    return HexFormat.of().formatHex(bytes());
  }
}
