package dev.forebay.queue.spi;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A delivery that says what another one says; the base of those that decorators hand out, which
 * override {@link #queue()} to be settled through the decorator. As thread-safe as the delivery
 * behind it.
 */
public abstract class ForwardingDelivery implements Delivery {

  private final Delivery behind;

  /** Says what {@code behind} says. */
  protected ForwardingDelivery(Delivery behind) {
    this.behind = behind;
  }

  /** The delivery behind this one. */
  protected final Delivery behind() {
    return behind;
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
  public int attempt() {
    return behind.attempt();
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
