package dev.forebay.queue.spi;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A queue that passes everything on to another one; the base of decorators, which override what
 * they change. Deliveries it hands out settle through the decorator, not around it.
 *
 * <p>As thread-safe as the queue behind it.
 */
public abstract class ForwardingWorkQueue implements WorkQueue {

  private final WorkQueue target;

  /** Passes on to {@code target}. */
  protected ForwardingWorkQueue(WorkQueue target) {
    this.target = target;
  }

  /** The queue behind this one. */
  protected final WorkQueue target() {
    return target;
  }

  @Override
  public String name() {
    return target.name();
  }

  @Override
  public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
    return target.enqueue(message);
  }

  @Override
  public List<Delivery> poll(int max, Duration wait) {
    return target.poll(max, wait).stream().map(this::adopt).toList();
  }

  @Override
  public CompletableFuture<Settlement> ack(Delivery delivery) {
    return target.ack(inner(delivery));
  }

  @Override
  public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
    return target.extend(inner(delivery), lease);
  }

  @Override
  public CompletableFuture<Settlement> release(
      Delivery delivery, Duration delay, ReleaseCause cause) {
    return target.release(inner(delivery), delay, cause);
  }

  @Override
  public CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause) {
    return target.deadLetter(inner(delivery), cause);
  }

  @Override
  public DeadLetters deadLetters() {
    return target.deadLetters();
  }

  @Override
  public Capabilities capabilities() {
    return target.capabilities();
  }

  @Override
  public QueueDepth depth() {
    return target.depth();
  }

  @Override
  public Explanation explain(String id) {
    return target.explain(id);
  }

  @Override
  public <T> T unwrap(Class<T> type) {
    return type.isInstance(this) ? type.cast(this) : target.unwrap(type);
  }

  @Override
  public void close() {
    target.close();
  }

  /** A delivery of the target as a delivery of this queue. */
  protected final Delivery adopt(Delivery delivery) {
    return new Adopted(this, delivery);
  }

  /** The target's delivery behind one that this queue handed out; any other delivery unchanged. */
  protected final Delivery inner(Delivery delivery) {
    return delivery instanceof Adopted adopted && adopted.queue == this
        ? adopted.behind()
        : delivery;
  }

  private static final class Adopted extends ForwardingDelivery {
    private final ForwardingWorkQueue queue;

    Adopted(ForwardingWorkQueue queue, Delivery behind) {
      super(behind);
      this.queue = queue;
    }

    @Override
    public WorkQueue queue() {
      return queue;
    }
  }
}
