package dev.forebay.queue.worker;

import dev.forebay.queue.Codec;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import org.jspecify.annotations.Nullable;

/**
 * The value in a message, or what becomes of a message without one: the dead letters, since another
 * attempt would read the same bytes (P5).
 */
record Decoding<T>(@Nullable T value, @Nullable Outcome instead) {

  static <T> Decoding<T> of(Codec<T> codec, Delivery delivery) {
    try {
      return new Decoding<>(codec.decode(delivery.message()), null);
    } catch (QueueException e) {
      if (e.code() != ErrorCode.INVALID_MESSAGE) {
        throw e;
      }
      return new Decoding<>(
          null,
          Outcome.deadLetter(
              new DeadLetterCause(DeadLetterCause.UNDECODABLE, String.valueOf(e.getMessage()))));
    }
  }
}
