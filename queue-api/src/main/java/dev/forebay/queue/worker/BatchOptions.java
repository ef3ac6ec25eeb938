package dev.forebay.queue.worker;

import dev.forebay.queue.Message;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * When a micro-batch is ready (W3): it is full, its cost budget is used up, or its first message
 * has waited for the linger, whichever comes first. Immutable and as thread-safe as the functions;
 * each setter-like method returns a changed copy.
 *
 * @param maxItems how many messages a batch has at most
 * @param linger how long the first message of a batch waits for others, 10 ms unless set; its lease
 *     is kept meanwhile
 * @param budget what a batch may cost at most; a message that costs more goes alone
 * @param cost what a message costs, such as its tokens or bytes
 * @param key what only goes together: model, adapter, shape; those for which it is null go together
 */
public record BatchOptions(
    int maxItems,
    Duration linger,
    long budget,
    ToLongFunction<Message> cost,
    Function<Message, String> key) {

  private static final Duration DEFAULT_LINGER = Duration.ofMillis(10);

  /** Rejects empty batches and negative times. */
  public BatchOptions {
    if (maxItems < 1 || budget < 1 || linger.isNegative()) {
      throw new IllegalArgumentException(
          "A batch needs at least 1 item, a budget of at least 1 and no negative linger, not "
              + maxItems
              + ", "
              + budget
              + ", "
              + linger);
    }
    Objects.requireNonNull(cost);
    Objects.requireNonNull(key);
  }

  /** Batches of at most so many messages. */
  public static BatchOptions of(int maxItems) {
    return new BatchOptions(maxItems, DEFAULT_LINGER, Long.MAX_VALUE, message -> 0, message -> "");
  }

  /** These options with another linger. */
  public BatchOptions linger(Duration longest) {
    return new BatchOptions(maxItems, longest, budget, cost, key);
  }

  /** These options with a cost budget. */
  public BatchOptions budget(long most, ToLongFunction<Message> costOf) {
    return new BatchOptions(maxItems, linger, most, costOf, key);
  }

  /**
   * These options, putting together only what has the same key; what has none, which is null, goes
   * together too.
   */
  public BatchOptions groupBy(Function<Message, String> keyOf) {
    return new BatchOptions(maxItems, linger, budget, cost, keyOf);
  }
}
