package dev.forebay.queue.spi;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A message together with the library's own data, as it travels through a broker: immutable,
 * thread-safe.
 *
 * <p>The data travel as strings under names that start with {@link Message#RESERVED_HEADER_PREFIX},
 * either one by one ({@link #metadata()}, where headers are free) or packed into one string ({@link
 * #pack}, where they are few).
 *
 * @param id the message's id, which copies of it keep
 * @param message the user's message, with an absolute deadline and no delay
 * @param enqueuedAt when it was first enqueued, to the millisecond
 * @param attempts how earlier deliveries ended
 * @param deadLetter what it died of, on a dead letter
 * @param redrives how often it was brought back from the dead letters
 */
public record Envelope(
    String id,
    Message message,
    Instant enqueuedAt,
    Attempts attempts,
    @Nullable DeadLetter deadLetter,
    int redrives) {

  private static final String P = Message.RESERVED_HEADER_PREFIX;
  private static final String ID = P + "id";
  private static final String ENQUEUED = P + "enqueued";
  private static final String KEY = P + "key";
  private static final String DEDUP = P + "dedup";
  private static final String TYPE = P + "type";
  private static final String DEADLINE = P + "deadline";
  private static final String ATTEMPTS = P + "attempts";
  private static final String CAUSE = P + "cause";
  private static final String CAUSE_MESSAGE = P + "cause-message";
  private static final String DELIVERED = P + "delivered";
  private static final String ORIGIN = P + "origin";
  private static final String REDRIVES = P + "redrives";

  /** Far above what the library writes, far below what would hurt to parse. */
  private static final int MAX_PACKED = 32 * 1024;

  /** The envelope of a message that was never redriven. */
  public Envelope(
      String id,
      Message message,
      Instant enqueuedAt,
      Attempts attempts,
      @Nullable DeadLetter deadLetter) {
    this(id, message, enqueuedAt, attempts, deadLetter, 0);
  }

  /**
   * The envelope of a message that is being enqueued: its time to live becomes a deadline, its
   * delay is taken off.
   */
  public static Envelope fresh(String id, Message message, Instant now) {
    Instant at = Instant.ofEpochMilli(now.toEpochMilli());
    Message plain = message;
    if (message.timeToLive().isPresent()) {
      plain = plain.deadline(at.plus(message.timeToLive().get()));
    }
    if (!message.delay().isZero()) {
      plain = plain.delay(Duration.ZERO);
    }
    return new Envelope(id, plain, at, Attempts.NONE, null);
  }

  /** This envelope after another delivery ended. */
  public Envelope withAttempts(Attempts now) {
    return new Envelope(id, message, enqueuedAt, now, deadLetter, redrives);
  }

  /**
   * This envelope as a dead letter; the delivery that is being dead-lettered counts as failed.
   *
   * @param lastDelivered when that delivery was handed out
   * @param origin name of the queue it dies in
   */
  public Envelope dead(DeadLetterCause cause, Instant lastDelivered, String origin) {
    Instant at = Instant.ofEpochMilli(lastDelivered.toEpochMilli());
    DeadLetter letter = new DeadLetter(cause, attempts.plusFailed(), at, origin, redrives);
    return withDeadLetter(letter);
  }

  /** This envelope as this dead letter. */
  public Envelope withDeadLetter(DeadLetter letter) {
    return new Envelope(id, message, enqueuedAt, Attempts.NONE, letter, redrives);
  }

  /** This dead letter as the message that comes back to life, at its first attempt again (D3). */
  public Envelope redriven() {
    return new Envelope(id, message, enqueuedAt, Attempts.NONE, null, redrives + 1);
  }

  /** Everything beside body and user headers, under reserved names. */
  public Map<String, String> metadata() {
    Map<String, String> out = new LinkedHashMap<>();
    out.put(ID, id);
    out.put(ENQUEUED, Long.toString(enqueuedAt.toEpochMilli()));
    message.key().ifPresent(value -> out.put(KEY, value));
    message.dedupId().ifPresent(value -> out.put(DEDUP, value));
    message.type().ifPresent(value -> out.put(TYPE, value));
    message.deadline().ifPresent(at -> out.put(DEADLINE, Long.toString(at.toEpochMilli())));
    if (!attempts.isNone()) {
      out.put(ATTEMPTS, encode(attempts));
    }
    if (redrives > 0) {
      out.put(REDRIVES, Integer.toString(redrives));
    }
    if (deadLetter != null) {
      out.put(CAUSE, deadLetter.cause().type());
      out.put(CAUSE_MESSAGE, deadLetter.cause().message());
      out.put(ATTEMPTS, encode(deadLetter.attempts()));
      out.put(DELIVERED, Long.toString(deadLetter.lastDelivered().toEpochMilli()));
      out.put(ORIGIN, deadLetter.origin());
    }
    return out;
  }

  /**
   * Reads an envelope back. Data the library did not write are fine: a message of another producer
   * has none of them.
   *
   * @param body the message's body
   * @param headers the user's headers; reserved names among them are ignored
   * @param metadata the reserved data, any of which may be missing
   * @param fallbackId the broker's own id, for a message of another producer
   * @param fallbackEnqueuedAt the broker's own time of sending, likewise
   * @throws QueueException with {@link ErrorCode#INVALID_MESSAGE} when the reserved data are there
   *     but not what the library writes; the text names the field
   */
  public static Envelope read(
      byte[] body,
      Map<String, String> headers,
      Map<String, String> metadata,
      String fallbackId,
      Instant fallbackEnqueuedAt) {
    Message message =
        Message.of(body)
            .headers(headers)
            .key(metadata.get(KEY))
            .dedupId(metadata.get(DEDUP))
            .type(metadata.get(TYPE));
    if (metadata.containsKey(DEADLINE)) {
      message = message.deadline(millis(metadata, DEADLINE));
    }
    Attempts attempts = attempts(metadata.get(ATTEMPTS));
    int redrives = redrives(metadata.get(REDRIVES));
    DeadLetter letter = null;
    if (metadata.containsKey(CAUSE)) {
      letter =
          new DeadLetter(
              new DeadLetterCause(
                  metadata.getOrDefault(CAUSE, ""), metadata.getOrDefault(CAUSE_MESSAGE, "")),
              attempts,
              millis(metadata, DELIVERED),
              metadata.getOrDefault(ORIGIN, ""),
              redrives);
      attempts = Attempts.NONE;
    }
    String id = metadata.getOrDefault(ID, fallbackId);
    if (id.isEmpty()) {
      throw malformed(ID, "");
    }
    return new Envelope(
        id,
        message,
        metadata.containsKey(ENQUEUED) ? millis(metadata, ENQUEUED) : fallbackEnqueuedAt,
        attempts,
        letter,
        redrives);
  }

  /** Packs reserved data into one string of printable ASCII. */
  public static String pack(Map<String, String> metadata) {
    StringBuilder out = new StringBuilder(128);
    metadata.forEach(
        (name, value) -> {
          if (!out.isEmpty()) {
            out.append('&');
          }
          out.append(name, P.length(), name.length())
              .append('=')
              .append(URLEncoder.encode(value, StandardCharsets.UTF_8));
        });
    return out.toString();
  }

  /**
   * Reads back what {@link #pack} wrote.
   *
   * @throws QueueException with {@link ErrorCode#INVALID_MESSAGE} when it is something else
   */
  public static Map<String, String> unpack(String packed) {
    if (packed.length() > MAX_PACKED) {
      throw malformed("metadata", packed.length() + " characters");
    }
    Map<String, String> out = new LinkedHashMap<>();
    for (String field : packed.split("&", -1)) {
      int equals = field.indexOf('=');
      if (equals <= 0) {
        throw malformed("metadata", "a field without a name");
      }
      try {
        out.put(
            P + field.substring(0, equals),
            URLDecoder.decode(field.substring(equals + 1), StandardCharsets.UTF_8));
      } catch (IllegalArgumentException e) {
        throw malformed(P + field.substring(0, equals), "a broken escape");
      }
    }
    return out;
  }

  private static String encode(Attempts attempts) {
    return attempts.failed() + "," + attempts.leaseLost() + "," + attempts.returned();
  }

  private static Attempts attempts(@Nullable String text) {
    if (text == null) {
      return Attempts.NONE;
    }
    String[] parts = text.split(",", 4);
    if (parts.length == 3) {
      try {
        return new Attempts(
            Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
      } catch (IllegalArgumentException e) {
        throw malformed(ATTEMPTS, "not three counts");
      }
    }
    throw malformed(ATTEMPTS, "not three counts");
  }

  private static int redrives(@Nullable String text) {
    try {
      int redrives = text == null ? 0 : Integer.parseInt(text);
      if (redrives >= 0) {
        return redrives;
      }
    } catch (NumberFormatException e) {
      // Falls through: not what the library writes.
    }
    throw malformed(REDRIVES, "not a count");
  }

  private static Instant millis(Map<String, String> metadata, String name) {
    String text = metadata.getOrDefault(name, "");
    try {
      return Instant.ofEpochMilli(Long.parseLong(text));
    } catch (RuntimeException e) {
      throw malformed(name, "not a time in milliseconds");
    }
  }

  private static QueueException malformed(String field, String what) {
    return new QueueException(
        ErrorCode.INVALID_MESSAGE,
        "The reserved header " + field + " is not what the library writes: " + what);
  }
}
