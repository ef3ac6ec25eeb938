package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.spi.ForwardingDelivery;

/** A delivery that tells something else than the one behind it, wherever it is overridden. */
class Altered extends ForwardingDelivery {

  final Delivery behind;

  Altered(Delivery behind) {
    super(behind);
    this.behind = behind;
  }

  /** One with another message. */
  static Delivery message(Delivery behind, Message message) {
    return new Altered(behind) {
      @Override
      public Message message() {
        return message;
      }
    };
  }

  /** Follows from the attempts, wherever those are altered. */
  @Override
  public int attempt() {
    return attempts().next();
  }
}
