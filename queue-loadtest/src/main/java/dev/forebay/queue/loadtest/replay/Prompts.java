package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.loadtest.trace.Request;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The messages of a replay: a prompt as long as the request's, and its number in a header. Long
 * prompts matter: they decide how many messages fit into one request to the broker.
 */
final class Prompts {
  private static final String REQUEST = "request";

  /** An English token of the models in question is about four characters. */
  private static final int BYTES_PER_TOKEN = 4;

  /** Beyond this people put the prompt into a store and its address into the message. */
  private static final int LONGEST = 256 * 1024;

  private static final byte[] TEXT =
      "the quick brown fox jumps over the lazy dog and "
          .repeat(LONGEST / 48 + 1)
          .getBytes(StandardCharsets.US_ASCII);

  private Prompts() {}

  /** The message of the request with this number. */
  static Message message(int number, Request request) {
    long wanted = Math.max(1, (long) request.inputTokens() * BYTES_PER_TOKEN);
    byte[] body = Arrays.copyOf(TEXT, (int) Math.min(wanted, LONGEST));
    return Message.of(body).header(REQUEST, Integer.toString(number));
  }

  /** A message that belongs to no request, to get queues and workers going. */
  static Message warmUp() {
    return Message.of(Arrays.copyOf(TEXT, 1_024));
  }

  /** The number of the request that a delivery is for; empty for a warm-up. */
  static OptionalInt number(Delivery delivery) {
    Optional<String> number = delivery.message().header(REQUEST);
    return number.isPresent()
        ? OptionalInt.of(Integer.parseInt(number.get()))
        : OptionalInt.empty();
  }
}
