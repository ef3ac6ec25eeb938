package dev.forebay.queue;

/**
 * Turns a value into a message body and back. Implementations must be thread-safe.
 *
 * @param <T> the value's type
 */
public interface Codec<T> {

  /**
   * The body that stands for {@code value}.
   *
   * @throws QueueException with {@link ErrorCode#INVALID_MESSAGE} when it has none
   */
  byte[] encode(T value);

  /**
   * The value in the body of {@code message}.
   *
   * @throws QueueException with {@link ErrorCode#INVALID_MESSAGE} when there is none; a worker
   *     dead-letters the message at once, since a second attempt would read the same bytes
   */
  T decode(Message message);

  /** A message with {@code value} as its body. */
  default Message message(T value) {
    return Message.of(encode(value));
  }
}
