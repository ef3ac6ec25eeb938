package dev.forebay.queue.worker;

import dev.forebay.queue.Delivery;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What becomes of a message whose deadline passed before its handler ran (W5). Immutable and as
 * thread-safe as the callback.
 */
public final class Expiry {

  /** Where it goes. */
  enum Destination {
    DEAD_LETTERS,
    DROP,
    CALL
  }

  private final Destination destination;
  private final Consumer<Delivery> callback;

  private Expiry(Destination destination, Consumer<Delivery> callback) {
    this.destination = destination;
    this.callback = callback;
  }

  /**
   * To the dead letters with the cause {@link dev.forebay.queue.DeadLetterCause#EXPIRED}; dropped
   * where the queue has none.
   */
  public static Expiry deadLetter() {
    return new Expiry(Destination.DEAD_LETTERS, delivery -> {});
  }

  /** Dropped: acked and counted. */
  public static Expiry drop() {
    return new Expiry(Destination.DROP, delivery -> {});
  }

  /**
   * Handed to this callback, for instance to tell whoever waits, and then acked. When the callback
   * throws, the message comes back after the retry policy's backoff and it is called again. Called
   * by many threads at once; it holds a slot meanwhile.
   */
  public static Expiry call(Consumer<Delivery> callback) {
    return new Expiry(Destination.CALL, Objects.requireNonNull(callback));
  }

  Destination destination() {
    return destination;
  }

  Optional<Consumer<Delivery>> callback() {
    return destination == Destination.CALL ? Optional.of(callback) : Optional.empty();
  }
}
