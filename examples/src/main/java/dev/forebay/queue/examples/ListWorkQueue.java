package dev.forebay.queue.examples;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.Capabilities.AttemptPrecision;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.Checks;
import dev.forebay.queue.spi.Envelope;
import dev.forebay.queue.spi.LeasedDelivery;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * How do I write a backend of my own?
 *
 * <p>The least a backend can be: a list behind one lock. It declares what it does not offer,
 * delays, order, dedup and dead letters, and keeps every other rule, which its contract test
 * proves. A real one asks a broker where this one asks {@link Broker}.
 *
 * <p>Thread-safe.
 */
public final class ListWorkQueue implements WorkQueue {

  /** Stands for the broker: what outlives a queue object. Guarded by itself. */
  public static final class Broker {
    private final Deque<Envelope> ready = new ArrayDeque<>();
    private final List<Lease> leased = new ArrayList<>();
    private long deliveries;

    /** An empty one. */
    public Broker() {}

    /** Makes deliverable again what nobody settled in time (L2). */
    private void expire(TimeSource time) {
      for (Iterator<Lease> all = leased.iterator(); all.hasNext(); ) {
        Lease lease = all.next();
        if (lease.deadlineNanos() - time.nanoTime() <= 0) {
          all.remove();
          ready.add(lease.envelope().withAttempts(lease.attempts().plusLeaseLost()));
        }
      }
    }
  }

  private static final class Lease extends LeasedDelivery {
    Lease(WorkQueue queue, Envelope envelope, long token, TimeSource time, long deadlineNanos) {
      super(queue, envelope, token, time, deadlineNanos);
    }
  }

  private static final int CAPACITY = 100_000;

  /**
   * How often a waiting poll looks whether a lease has ended: the lateness declared below, with
   * room to spare.
   */
  private static final long LOOK_EVERY_MILLIS = 10;

  private final Broker broker;
  private final Duration lease;
  private final Duration grace;
  private final TimeSource time = SystemTimeSource.get();
  private final Capabilities capabilities =
      Capabilities.builder("list")
          .lease(Duration.ofMillis(10), Duration.ofHours(1))
          .lateness(Duration.ofMillis(200))
          .attempts(AttemptPrecision.EXACT, true)
          .build();
  private volatile boolean closed;

  /** The grace time is over: what callers still hold comes back by its lease, whatever they say. */
  private volatile boolean drained;

  /** Opens a queue object on this broker. */
  public ListWorkQueue(Broker broker, Duration lease, Duration grace) {
    Checks.lease(lease, capabilities);
    this.broker = broker;
    this.lease = lease;
    this.grace = grace;
  }

  @Override
  public String name() {
    return "list";
  }

  @Override
  public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
    return CompletableFuture.completedFuture(enqueueNow(message));
  }

  private EnqueueOutcome enqueueNow(Message message) {
    EnqueueOutcome refused = Checks.message(message, capabilities, Checks.plainSize(message));
    if (refused == null) {
      refused = Checks.enqueueDelay(message, capabilities);
    }
    if (refused != null) {
      return refused;
    }
    if (closed) {
      return new EnqueueOutcome.Failed(ErrorCode.CLOSED, "The queue is closed; open another one.");
    }
    synchronized (broker) {
      if (broker.ready.size() >= CAPACITY) {
        return new EnqueueOutcome.Failed(
            ErrorCode.OVERLOADED, "The list is full; handle some of it first.");
      }
      Envelope envelope = Envelope.fresh(UUID.randomUUID().toString(), message, time.now());
      broker.ready.add(envelope);
      broker.notifyAll();
      return new EnqueueOutcome.Enqueued(envelope.id());
    }
  }

  @Override
  public List<Delivery> poll(int max, Duration wait) {
    Checks.poll(max, wait);
    if (closed) {
      throw new QueueException(ErrorCode.CLOSED, "The queue is closed; stop polling it.");
    }
    long until = time.nanoTime() + wait.toNanos();
    synchronized (broker) {
      while (true) {
        List<Delivery> taken = take(max);
        if (!taken.isEmpty() || closed || until - time.nanoTime() <= 0) {
          return taken;
        }
        try {
          broker.wait(LOOK_EVERY_MILLIS);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return List.of();
        }
      }
    }
  }

  private List<Delivery> take(int max) {
    List<Delivery> taken = new ArrayList<>();
    broker.expire(time);
    while (!closed && taken.size() < max && !broker.ready.isEmpty()) {
      long deadline = time.nanoTime() + lease.toNanos();
      Lease delivery = new Lease(this, broker.ready.remove(), ++broker.deliveries, time, deadline);
      broker.leased.add(delivery);
      taken.add(delivery);
    }
    return taken;
  }

  @Override
  public CompletableFuture<Settlement> ack(Delivery delivery) {
    return settle(delivery, acked -> {});
  }

  @Override
  public CompletableFuture<Settlement> release(
      Delivery delivery, Duration delay, ReleaseCause cause) {
    Checks.releaseDelay(delay, capabilities);
    return settle(
        delivery,
        released ->
            broker.ready.add(released.envelope().withAttempts(released.attempts().plus(cause))));
  }

  private CompletableFuture<Settlement> settle(Delivery delivery, Consumer<Lease> apply) {
    Lease held = (Lease) delivery;
    if (drained || !held.beginSettlement()) {
      return CompletableFuture.completedFuture(Settlement.STALE);
    }
    synchronized (broker) {
      if (broker.leased.remove(held)) {
        apply.accept(held);
        held.settled();
        broker.notifyAll();
        return CompletableFuture.completedFuture(Settlement.OK);
      }
    }
    held.lose(); // its lease ended after beginSettlement, and another poll noticed first
    return CompletableFuture.completedFuture(Settlement.STALE);
  }

  @Override
  public CompletableFuture<Settlement> extend(Delivery delivery, Duration newLease) {
    Checks.lease(newLease, capabilities);
    synchronized (broker) {
      boolean moved =
          !drained && ((Lease) delivery).extendedTo(time.nanoTime() + newLease.toNanos());
      return CompletableFuture.completedFuture(moved ? Settlement.OK : Settlement.STALE);
    }
  }

  @Override
  public CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause) {
    Checks.deadLetters(capabilities); // throws: this backend has no destination for them
    throw new IllegalStateException("dead letters are not declared");
  }

  @Override
  public Capabilities capabilities() {
    return capabilities;
  }

  @Override
  public QueueDepth depth() {
    synchronized (broker) {
      broker.expire(time);
      return new QueueDepth(
          OptionalLong.of(broker.ready.size()),
          OptionalLong.of(broker.leased.size()),
          OptionalLong.of(0),
          Optional.empty());
    }
  }

  @Override
  public <T> T unwrap(Class<T> type) {
    if (type.isInstance(broker)) {
      return type.cast(broker);
    }
    throw new QueueException(
        ErrorCode.UNSUPPORTED, "Behind a list queue there is just its Broker.");
  }

  /** Lets waiting polls go and waits, within the grace time, for what callers still hold (S1). */
  @Override
  public void close() {
    long until = time.nanoTime() + grace.toNanos();
    // Whoever closes has often been told to stop: that is no reason to lose what others do.
    boolean interrupted = false;
    synchronized (broker) {
      closed = true;
      broker.notifyAll();
      while (holdsAny() && until - time.nanoTime() > 0) {
        try {
          broker.wait(LOOK_EVERY_MILLIS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      drained = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean holdsAny() {
    broker.expire(time);
    return broker.leased.stream().anyMatch(delivery -> delivery.queue() == this);
  }
}
