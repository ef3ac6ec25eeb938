package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.ForwardingWorkQueue;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** The base of wrong queues: right as long as nothing is overridden. */
abstract class Broken extends ForwardingWorkQueue {

  final Broker broker;

  Broken(WorkQueue target, Broker broker) {
    super(target);
    this.broker = broker;
  }

  /** What a caller gets to see of a delivery. */
  Delivery alter(Delivery delivery) {
    return delivery;
  }

  /** Every settlement passes through here. */
  CompletableFuture<Settlement> settle(
      Delivery delivery, Supplier<CompletableFuture<Settlement>> call) {
    return call.get();
  }

  /** The target's own delivery behind one that a caller holds. */
  final Delivery behind(Delivery delivery) {
    return inner(plain(delivery));
  }

  private static Delivery plain(Delivery delivery) {
    Delivery plain = delivery;
    while (plain instanceof Altered altered) {
      plain = altered.behind;
    }
    return plain;
  }

  @Override
  public List<Delivery> poll(int max, Duration wait) {
    return target().poll(max, wait).stream().map(taken -> alter(adopt(taken))).toList();
  }

  @Override
  public CompletableFuture<Settlement> ack(Delivery delivery) {
    return settle(delivery, () -> super.ack(plain(delivery)));
  }

  @Override
  public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
    return super.extend(plain(delivery), lease);
  }

  @Override
  public CompletableFuture<Settlement> release(
      Delivery delivery, Duration delay, ReleaseCause cause) {
    return settle(delivery, () -> super.release(plain(delivery), delay, cause));
  }

  @Override
  public CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause) {
    return settle(delivery, () -> super.deadLetter(plain(delivery), cause));
  }

  static <T> CompletableFuture<T> done(T result) {
    return CompletableFuture.completedFuture(result);
  }
}
