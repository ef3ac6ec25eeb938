package dev.forebay.queue;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;

/**
 * JSON bodies by Jackson. Needs {@code com.fasterxml.jackson.core:jackson-databind} on the class
 * path; the rest of the library does not. Type names in the data are never followed to classes.
 *
 * <p>Immutable and thread-safe.
 *
 * @param <T> the value's type
 */
public final class JsonCodec<T> implements Codec<T> {

  /** Deeper nesting than this is taken for an attack rather than for a prompt. */
  private static final int MAX_DEPTH = 200;

  private static final class Shared {
    static final ObjectMapper MAPPER =
        new ObjectMapper(
                JsonFactory.builder()
                    .streamReadConstraints(
                        StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
                    .build())
            .findAndRegisterModules();
  }

  private final Class<T> type;
  private final ObjectMapper mapper;

  private JsonCodec(Class<T> type, ObjectMapper mapper) {
    this.type = type;
    this.mapper = mapper;
  }

  /**
   * A codec with the library's own mapper: Jackson's defaults, modules found on the class path,
   * nesting bounded.
   */
  public static <T> JsonCodec<T> of(Class<T> type) {
    return new JsonCodec<>(type, Shared.MAPPER);
  }

  /** A codec with a mapper of the caller's, which must not be reconfigured afterwards. */
  public static <T> JsonCodec<T> of(Class<T> type, ObjectMapper mapper) {
    return new JsonCodec<>(type, mapper);
  }

  @Override
  public byte[] encode(T value) {
    return write(mapper, value);
  }

  @Override
  public T decode(Message message) {
    T value;
    try {
      value = mapper.readValue(message.body(), type);
    } catch (IOException e) {
      throw new QueueException(
          ErrorCode.INVALID_MESSAGE,
          "The body is not JSON of a " + type.getSimpleName() + reason(e));
    }
    if (value == null) {
      throw new QueueException(
          ErrorCode.INVALID_MESSAGE, "The body is JSON null, not a " + type.getSimpleName() + ".");
    }
    return value;
  }

  static byte[] encodeAny(Object value) {
    return write(Shared.MAPPER, value);
  }

  private static byte[] write(ObjectMapper mapper, Object value) {
    try {
      return mapper.writeValueAsBytes(value);
    } catch (JsonProcessingException e) {
      throw new QueueException(
          ErrorCode.INVALID_MESSAGE,
          "A " + value.getClass().getSimpleName() + " has no JSON form: " + e.getOriginalMessage(),
          e);
    }
  }

  /** Says where, not what: a parser's message quotes the body, and bodies do not belong in logs. */
  private static String reason(IOException e) {
    if (e instanceof JsonProcessingException json && json.getLocation() != null) {
      return " ("
          + e.getClass().getSimpleName()
          + " at line "
          + json.getLocation().getLineNr()
          + ", column "
          + json.getLocation().getColumnNr()
          + ").";
    }
    return " (" + e.getClass().getSimpleName() + ").";
  }
}
