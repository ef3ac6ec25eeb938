package dev.forebay.queue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A piece of work: a body and what the queue should know about it. Immutable and thread-safe; each
 * setter-like method returns a changed copy that shares the body.
 *
 * <pre>{@code
 * Message.json(prompt).key(userId).dedupId(requestId).deadline(Duration.ofSeconds(20))
 * }</pre>
 */
public final class Message {

  /**
   * Headers whose names start like this belong to the library. A user's header of such a name is
   * dropped when it is set, so that headers copied from an untrusted request can neither forge nor
   * break what the library writes there.
   */
  public static final String RESERVED_HEADER_PREFIX = "forebay-";

  private final byte[] body;
  private final Map<String, String> headers;
  private final @Nullable String key;
  private final @Nullable String dedupId;
  private final @Nullable String type;
  private final Duration delay;
  private final @Nullable Duration timeToLive;
  private final @Nullable Instant deadline;

  private Message(Draft draft) {
    this.body = draft.body;
    this.headers = draft.headers;
    this.key = draft.key;
    this.dedupId = draft.dedupId;
    this.type = draft.type;
    this.delay = draft.delay;
    this.timeToLive = draft.timeToLive;
    this.deadline = draft.deadline;
  }

  /** A message of these bytes; the array is copied. */
  public static Message of(byte[] body) {
    return new Message(new Draft(body.clone()));
  }

  /** A message of this text in UTF-8. */
  public static Message text(String text) {
    return new Message(new Draft(text.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * A message of this value in JSON, by the mapper of {@link JsonCodec#of(Class)}.
   *
   * @throws QueueException with {@link ErrorCode#INVALID_MESSAGE} when the value has no JSON form
   */
  public static Message json(Object value) {
    return new Message(new Draft(JsonCodec.encodeAny(value)));
  }

  /** A copy of the body. */
  public byte[] body() {
    return body.clone();
  }

  /** Size of the body in bytes. */
  public int bodySize() {
    return body.length;
  }

  /** The body as text in UTF-8; malformed bytes become U+FFFD. */
  public String text() {
    return new String(body, StandardCharsets.UTF_8);
  }

  /**
   * The body as a value in JSON.
   *
   * @throws QueueException with {@link ErrorCode#INVALID_MESSAGE} when it is not JSON of that type
   */
  public <T> T json(Class<T> valueType) {
    return JsonCodec.of(valueType).decode(this);
  }

  /** Headers in the order they were set; unmodifiable. Names are case-sensitive. */
  public Map<String, String> headers() {
    return headers;
  }

  /** The value of one header. */
  public Optional<String> header(String name) {
    return Optional.ofNullable(headers.get(name));
  }

  /**
   * This message with one header set. A reserved name is dropped: {@link #RESERVED_HEADER_PREFIX}.
   */
  public Message header(String name, String value) {
    return headers(Map.of(name, value));
  }

  /** This message with these headers added to those it has. Reserved names are dropped. */
  public Message headers(Map<String, String> added) {
    if (added.isEmpty()) {
      return this;
    }
    Map<String, String> all = new LinkedHashMap<>(headers);
    added.forEach(
        (name, value) -> {
          if (!isReserved(name)) {
            all.put(name, Objects.requireNonNull(value, name));
          }
        });
    Draft draft = new Draft(this);
    draft.headers = Collections.unmodifiableMap(all);
    return new Message(draft);
  }

  private static boolean isReserved(String name) {
    return name.toLowerCase(Locale.ROOT).startsWith(RESERVED_HEADER_PREFIX);
  }

  /**
   * The ordering key: messages of one key are handled one at a time, in order, where the queue
   * orders (K1).
   */
  public Optional<String> key() {
    return Optional.ofNullable(key);
  }

  /** This message with an ordering key. */
  public Message key(@Nullable String newKey) {
    Draft draft = new Draft(this);
    draft.key = newKey;
    return new Message(draft);
  }

  /** The dedup id: two messages with the same one inside the window are one (U1). */
  public Optional<String> dedupId() {
    return Optional.ofNullable(dedupId);
  }

  /** This message with a dedup id. */
  public Message dedupId(@Nullable String newDedupId) {
    if (Objects.equals(dedupId, newDedupId)) {
      return this;
    }
    Draft draft = new Draft(this);
    draft.dedupId = newDedupId;
    return new Message(draft);
  }

  /**
   * The kind of work, by which retries, leases and signals can be told apart. A small set of names,
   * not an id.
   */
  public Optional<String> type() {
    return Optional.ofNullable(type);
  }

  /** This message with a type. */
  public Message type(@Nullable String newType) {
    if (Objects.equals(type, newType)) {
      return this;
    }
    Draft draft = new Draft(this);
    draft.type = newType;
    return new Message(draft);
  }

  /** How long after the enqueue it may first be delivered (E4); zero on a delivered message. */
  public Duration delay() {
    return delay;
  }

  /** This message, not to be delivered before {@code newDelay} has passed since its enqueue. */
  public Message delay(Duration newDelay) {
    if (newDelay.isNegative()) {
      throw new IllegalArgumentException("A delay must not be negative: " + newDelay);
    }
    Draft draft = new Draft(this);
    draft.delay = newDelay;
    return new Message(draft);
  }

  /**
   * When the work is no longer wanted (W5): set on it, or computed by the queue from {@link
   * #timeToLive()} at enqueue.
   */
  public Optional<Instant> deadline() {
    return Optional.ofNullable(deadline);
  }

  /**
   * How long after its enqueue the work is no longer wanted; empty once the queue has made a
   * deadline of it.
   */
  public Optional<Duration> timeToLive() {
    return Optional.ofNullable(timeToLive);
  }

  /** This message with a deadline counted from its enqueue; replaces an absolute one. */
  public Message deadline(Duration afterEnqueue) {
    if (afterEnqueue.isNegative()) {
      throw new IllegalArgumentException("A deadline must not be negative: " + afterEnqueue);
    }
    Draft draft = new Draft(this);
    draft.timeToLive = afterEnqueue;
    draft.deadline = null;
    return new Message(draft);
  }

  /** This message with an absolute deadline, kept to the millisecond; replaces a relative one. */
  public Message deadline(Instant at) {
    Draft draft = new Draft(this);
    draft.deadline = Instant.ofEpochMilli(at.toEpochMilli());
    draft.timeToLive = null;
    return new Message(draft);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Message that
        && Arrays.equals(body, that.body)
        && headers.equals(that.headers)
        && Objects.equals(key, that.key)
        && Objects.equals(dedupId, that.dedupId)
        && Objects.equals(type, that.type)
        && delay.equals(that.delay)
        && Objects.equals(timeToLive, that.timeToLive)
        && Objects.equals(deadline, that.deadline);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(body)
        + Objects.hash(headers, key, dedupId, type, delay, timeToLive, deadline);
  }

  /** Size and names only: bodies, keys and header values do not belong in logs. */
  @Override
  public String toString() {
    return "Message["
        + body.length
        + " bytes, headers "
        + headers.keySet()
        + (type == null ? "" : ", type " + type)
        + "]";
  }

  /** The fields of a message while a copy is made. */
  private static final class Draft {
    final byte[] body;
    Map<String, String> headers = Map.of();
    @Nullable String key;
    @Nullable String dedupId;
    @Nullable String type;
    Duration delay = Duration.ZERO;
    @Nullable Duration timeToLive;
    @Nullable Instant deadline;

    Draft(byte[] body) {
      this.body = body;
    }

    Draft(Message from) {
      body = from.body;
      headers = from.headers;
      key = from.key;
      dedupId = from.dedupId;
      type = from.type;
      delay = from.delay;
      timeToLive = from.timeToLive;
      deadline = from.deadline;
    }
  }
}
