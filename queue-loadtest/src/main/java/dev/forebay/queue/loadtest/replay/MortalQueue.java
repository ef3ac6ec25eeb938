package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The queue object of a process that can die: from then on nothing gets through, not even a
 * release, and what it held comes back by its leases. Thread-safe.
 */
final class MortalQueue extends ForwardingWorkQueue {

  private volatile boolean dead;

  MortalQueue(WorkQueue target) {
    super(target);
  }

  /** The process dies. */
  void die() {
    dead = true;
  }

  boolean isDead() {
    return dead;
  }

  @Override
  public List<Delivery> poll(int max, Duration wait) {
    if (dead) {
      throw new QueueException(ErrorCode.CLOSED, "The process is dead.");
    }
    List<Delivery> taken = super.poll(max, wait);
    // Received by a process that died meanwhile.
    return dead ? List.of() : taken;
  }

  @Override
  public CompletableFuture<Settlement> ack(Delivery delivery) {
    return dead ? nobodyKnows() : super.ack(delivery);
  }

  @Override
  public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
    return dead ? nobodyKnows() : super.extend(delivery, lease);
  }

  @Override
  public CompletableFuture<Settlement> release(
      Delivery delivery, Duration delay, ReleaseCause cause) {
    return dead ? nobodyKnows() : super.release(delivery, delay, cause);
  }

  @Override
  public CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause) {
    return dead ? nobodyKnows() : super.deadLetter(delivery, cause);
  }

  private static CompletableFuture<Settlement> nobodyKnows() {
    return CompletableFuture.completedFuture(Settlement.UNKNOWN);
  }
}
