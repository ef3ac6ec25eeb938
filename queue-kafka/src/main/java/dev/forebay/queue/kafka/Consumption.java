package dev.forebay.queue.kafka;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The consuming half of a {@link KafkaWorkQueue}, which is what its modes differ in. Arguments have
 * been checked against the capabilities; otherwise each method does what {@link WorkQueue} says of
 * the one with its name.
 */
interface Consumption {

  /** Makes the consuming half of a queue, whose deliveries refer to it. */
  interface Factory {
    Consumption create(WorkQueue queue);
  }

  List<Delivery> poll(int max, Duration wait);

  /** As {@link dev.forebay.queue.spi.ReadyQueue#pollReady}. */
  default List<Delivery> pollReady(int max) {
    return List.of();
  }

  CompletableFuture<Settlement> ack(Delivery delivery);

  CompletableFuture<Settlement> extend(Delivery delivery, Duration lease);

  CompletableFuture<Settlement> release(Delivery delivery, Duration delay, ReleaseCause cause);

  CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause);

  QueueDepth depth();

  /** What is known in this process of the message of this id; null when nothing is. */
  @Nullable Explanation explain(String id);

  /** Records that could not be decoded so far (P5). */
  long undecodable();

  /** What else the queue offers to be unwrapped; a snapshot. */
  default List<Object> inside() {
    return List.of();
  }

  /** Drains; idempotent, and a second caller waits for the first. */
  void close();
}
