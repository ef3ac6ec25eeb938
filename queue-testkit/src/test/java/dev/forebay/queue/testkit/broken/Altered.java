package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** A delivery that tells something else than the one behind it, wherever it is overridden. */
class Altered implements Delivery {

  final Delivery behind;

  Altered(Delivery behind) {
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

  @Override
  public WorkQueue queue() {
    return behind.queue();
  }

  @Override
  public String id() {
    return behind.id();
  }

  @Override
  public Message message() {
    return behind.message();
  }

  @Override
  public Attempts attempts() {
    return behind.attempts();
  }

  @Override
  public Instant enqueuedAt() {
    return behind.enqueuedAt();
  }

  @Override
  public Instant leaseUntil() {
    return behind.leaseUntil();
  }

  @Override
  public Duration leaseRemaining() {
    return behind.leaseRemaining();
  }

  @Override
  public long fencingToken() {
    return behind.fencingToken();
  }

  @Override
  public boolean isLost() {
    return behind.isLost();
  }

  @Override
  public void onLost(Runnable listener) {
    behind.onLost(listener);
  }

  @Override
  public Optional<DeadLetter> deadLetter() {
    return behind.deadLetter();
  }

  @Override
  public String toString() {
    return behind.toString();
  }
}
