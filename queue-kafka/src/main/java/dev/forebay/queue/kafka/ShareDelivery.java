package dev.forebay.queue.kafka;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.spi.LeasedDelivery;
import dev.forebay.queue.time.TimeSource;
import java.util.function.LongConsumer;

/** A delivery of a record that a lane holds. Thread-safe. */
final class ShareDelivery extends LeasedDelivery {

  private final Held held;
  private final TimeSource time;
  private final long handedOutAt;
  private final LongConsumer whenDecided;

  /**
   * A delivery handed out now.
   *
   * @param whenDecided told once how long it was held, in nanoseconds
   */
  ShareDelivery(
      WorkQueue queue,
      Envelope envelope,
      Held held,
      TimeSource time,
      long leaseNanos,
      LongConsumer whenDecided) {
    super(queue, envelope, held.fencingToken(), time, time.nanoTime() + leaseNanos);
    this.held = held;
    this.time = time;
    this.handedOutAt = time.nanoTime();
    this.whenDecided = whenDecided;
  }

  Held held() {
    return held;
  }

  long heldNanos() {
    return time.nanoTime() - handedOutAt;
  }

  @Override
  protected void decided() {
    whenDecided.accept(heldNanos());
  }
}
