package dev.forebay.queue.sqs;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What SQS accepts as text and as an id. Stateless. */
final class SqsText {

  /** Longest message group id and dedup id. */
  static final int MAX_ID = 128;

  private static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

  private SqsText() {}

  /**
   * The bytes as text, if SQS carries that text unchanged: not empty, well-formed UTF-8, of the
   * characters of XML 1.0 only.
   */
  static @Nullable String asText(byte[] bytes) {
    if (bytes.length == 0) {
      return null;
    }
    try {
      String text =
          StandardCharsets.UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .onUnmappableCharacter(CodingErrorAction.REPORT)
              .decode(ByteBuffer.wrap(bytes))
              .toString();
      return isXml(text) ? text : null;
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  /** A surrogate here is half of a pair: lone ones are not well-formed UTF-8. */
  private static boolean isXml(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0xFFFE || c == 0xFFFF) {
        return false;
      }
    }
    return true;
  }

  /** Whether SQS keeps this start of an attribute's name for itself. */
  static boolean isReservedAttribute(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return lower.startsWith("aws.") || lower.startsWith("amazon.");
  }

  /**
   * A group or dedup id that stands for {@code value}: the value itself where SQS allows it, else a
   * hash of it.
   */
  static String id(String value) {
    return isId(value) ? value : hash(value);
  }

  private static boolean isId(String value) {
    if (value.isEmpty() || value.length() > MAX_ID) {
      return false;
    }
    return value
        .chars()
        .allMatch(
            c ->
                (c >= 'a' && c <= 'z')
                    || (c >= 'A' && c <= 'Z')
                    || (c >= '0' && c <= '9')
                    || PUNCTUATION.indexOf(c) >= 0);
  }

  /** SHA-256 in 43 characters that are allowed in every id. */
  static String hash(String value) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(value.getBytes(StandardCharsets.UTF_8));
      return Base64.getUrlEncoder().withoutPadding().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }

  /** Size in UTF-8 bytes. */
  static long utf8(String value) {
    return value.getBytes(StandardCharsets.UTF_8).length;
  }
}
