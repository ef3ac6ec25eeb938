package dev.forebay.queue.worker;

import dev.forebay.queue.Codec;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.policy.RetryPolicy;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a worker runs: something for each message, or for batches of them. Immutable.
 *
 * @param each never called where there are batches, which have a way of their own
 */
record Work(DecidingHandler<Delivery> each, @Nullable Batching<?> batching) {

  /** Micro-batches: when they are ready, and what handles them. */
  record Batching<T>(
      BatchOptions options, Function<Delivery, Decoding<T>> decoder, BatchHandler<T> handler) {

    Consumer<Batch> execution(Execution execution, RetryPolicy retry) {
      return new BatchExecution<>(handler, decoder, execution, retry);
    }
  }

  /** Runs for each message and decides its outcome, on the delivery as it is. */
  static Work each(DecidingHandler<Delivery> handler) {
    return new Work(Objects.requireNonNull(handler), null);
  }

  /** Runs for each message and decides its outcome, on the value in its body. */
  static <T> Work each(Codec<T> codec, DecidingHandler<T> handler) {
    Objects.requireNonNull(codec);
    Objects.requireNonNull(handler);
    return each(
        (delivery, context) -> {
          Decoding<T> decoded = Decoding.of(codec, delivery);
          T value = decoded.value();
          return value == null
              ? Objects.requireNonNull(decoded.instead())
              : handler.handle(value, context);
        });
  }

  /** The same handler, with an ack when it returns. */
  static <T> DecidingHandler<T> acking(Handler<T> handler) {
    Objects.requireNonNull(handler);
    return (input, context) -> {
      handler.handle(input, context);
      return Fixed.ACK;
    };
  }

  /** Runs for several messages at once, on the deliveries as they are. */
  static Work batches(BatchOptions options, BatchHandler<Delivery> handler) {
    return batches(options, delivery -> new Decoding<>(delivery, null), handler);
  }

  /** Runs for several messages at once, on the values in their bodies. */
  static <T> Work batches(BatchOptions options, Codec<T> codec, BatchHandler<T> handler) {
    Objects.requireNonNull(codec);
    return batches(options, delivery -> Decoding.of(codec, delivery), handler);
  }

  private static <T> Work batches(
      BatchOptions options, Function<Delivery, Decoding<T>> decoder, BatchHandler<T> handler) {
    return new Work(
        (delivery, context) -> Outcome.giveBack(),
        new Batching<>(Objects.requireNonNull(options), decoder, Objects.requireNonNull(handler)));
  }
}
