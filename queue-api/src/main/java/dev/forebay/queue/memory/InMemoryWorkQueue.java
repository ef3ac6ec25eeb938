package dev.forebay.queue.memory;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.Capabilities.AttemptPrecision;
import dev.forebay.queue.Capabilities.Ordering;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.Checks;
import dev.forebay.queue.spi.DeadLetterBench;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A work queue inside this JVM: the embedded default, and the backend to test handlers with. It
 * keeps the whole contract, order by key, dedup, delays and dead letters included, and is as strict
 * as the strictest broker about sizes and names, so that what works here works there. Nothing
 * outlives the JVM.
 *
 * <p>Under a {@link dev.forebay.queue.time.ManualTimeSource} it is deterministic. Every operation
 * is O(log n) at most. Thread-safe. Futures it returns are complete.
 *
 * <pre>{@code
 * try (WorkQueue queue = InMemoryWorkQueue.builder("inference").build()) {
 *   queue.enqueue(Message.text("prompt"));
 *   for (Delivery delivery : queue.poll(8, Duration.ofSeconds(20))) {
 *     delivery.ack();
 *   }
 * }
 * }</pre>
 */
public final class InMemoryWorkQueue implements WorkQueue {

  private final String name;
  private final StoredQueue stored;
  private final @Nullable StoredQueue deadLetters;
  private final @Nullable DeadLetters letters;
  private final Capabilities capabilities;
  private final TimeSource time;
  private final Duration lease;
  private final Duration grace;
  private final ReentrantLock closeLock = new ReentrantLock();
  private final Condition allDecided = closeLock.newCondition();
  private final AtomicLong outstanding = new AtomicLong();
  private boolean graceOver;
  private boolean closed;
  private volatile boolean closing;

  private InMemoryWorkQueue(Builder builder) {
    InMemoryStore store = builder.store == null ? new InMemoryStore() : builder.store;
    name = builder.name;
    time = store.time();
    lease = builder.lease;
    grace = builder.grace;
    capabilities = builder.capabilities();
    Checks.lease(lease, capabilities);
    stored = store.queue(name);
    stored.configure(
        new QueueSettings(
            builder.dedupWindow, builder.keyPolicy, builder.maxMessages, builder.maxBytes));
    deadLetters = builder.deadLetters == null ? null : store.queue(builder.deadLetters);
    letters =
        deadLetters == null
            ? null
            : new DeadLetterBench(
                name, new MemoryDeadLetters(store, stored, deadLetters, name), time, () -> closing);
  }

  /** A queue of this name: in a store of its own, unless one is given. */
  public static Builder builder(String name) {
    return new Builder(name);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
    return CompletableFuture.completedFuture(enqueueNow(message));
  }

  private EnqueueOutcome enqueueNow(Message message) {
    if (closing) {
      return new EnqueueOutcome.Failed(
          ErrorCode.CLOSED, "The queue " + name + " is closed; open another one to enqueue.");
    }
    EnqueueOutcome refused = Checks.message(message, capabilities, Checks.plainSize(message));
    if (refused == null) {
      refused = Checks.enqueueDelay(message, capabilities);
    }
    return refused == null ? stored.enqueue(message) : refused;
  }

  @Override
  public List<Delivery> poll(int max, Duration wait) {
    Checks.poll(max, wait);
    if (closing) {
      throw new QueueException(
          ErrorCode.CLOSED, "The queue " + name + " is closed; stop polling it.");
    }
    return stored.take(this, max, wait, lease);
  }

  @Override
  public CompletableFuture<Settlement> ack(Delivery delivery) {
    return CompletableFuture.completedFuture(stored.ack(own(delivery)));
  }

  @Override
  public CompletableFuture<Settlement> extend(Delivery delivery, Duration newLease) {
    Checks.lease(newLease, capabilities);
    return CompletableFuture.completedFuture(stored.extend(own(delivery), newLease));
  }

  @Override
  public CompletableFuture<Settlement> release(
      Delivery delivery, Duration delay, ReleaseCause cause) {
    Checks.releaseDelay(delay, capabilities);
    return CompletableFuture.completedFuture(stored.release(own(delivery), delay, cause));
  }

  @Override
  public CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause) {
    MemoryDelivery own = own(delivery);
    StoredQueue target = deadLetters;
    if (target == null) {
      Checks.deadLetters(capabilities);
      throw new IllegalStateException("Dead letters are declared but have no destination.");
    }
    return CompletableFuture.completedFuture(stored.deadLetter(own, cause, target, name));
  }

  @Override
  public DeadLetters deadLetters() {
    return letters == null ? WorkQueue.super.deadLetters() : letters;
  }

  private MemoryDelivery own(Delivery delivery) {
    if (delivery instanceof MemoryDelivery memory && memory.queue() == this) {
      return memory;
    }
    throw new IllegalArgumentException(
        "This delivery was not handed out by the queue " + name + ".");
  }

  @Override
  public Capabilities capabilities() {
    return capabilities;
  }

  @Override
  public QueueDepth depth() {
    return stored.depth();
  }

  /**
   * {@inheritDoc}
   *
   * <p>Knows everything, about the dead letters too. Looks at all messages, and nothing else moves
   * meanwhile: some milliseconds for each hundred thousand of them.
   */
  @Override
  public Explanation explain(String id) {
    Explanation found = stored.explain(id, this);
    StoredQueue dead = deadLetters;
    if (found == null && dead != null) {
      found = dead.explain(id, this);
      if (found == null) {
        // A redrive may have brought it back in between.
        found = stored.explain(id, this);
      } else {
        found = MemoryExplanations.asDeadLetter(found);
      }
    }
    return found == null ? MemoryExplanations.absent(id, name) : found;
  }

  @Override
  public <T> T unwrap(Class<T> type) {
    if (type.isInstance(this)) {
      return type.cast(this);
    }
    throw new QueueException(
        ErrorCode.UNSUPPORTED, "An in-memory queue has no " + type.getSimpleName() + " behind it.");
  }

  @Override
  public void close() {
    closing = true;
    stored.wakeAllOf(this);
    stored.draining(true);
    TimeSource.Timer limit = time.schedule(grace, this::graceIsOver);
    closeLock.lock();
    try {
      while (outstanding.get() > 0 && !graceOver && !closed) {
        allDecided.awaitUninterruptibly();
      }
      closed = true;
      allDecided.signalAll();
    } finally {
      closeLock.unlock();
      limit.cancel();
      stored.draining(false);
    }
    stored.abandon(this);
  }

  private void graceIsOver() {
    closeLock.lock();
    try {
      graceOver = true;
      allDecided.signalAll();
    } finally {
      closeLock.unlock();
    }
  }

  boolean isClosing() {
    return closing;
  }

  void handedOut(int count) {
    outstanding.addAndGet(count);
  }

  void decided() {
    // Whoever closes looks at the count after it has said so, so one of the two sees the other.
    if (outstanding.decrementAndGet() == 0 && closing) {
      closeLock.lock();
      try {
        allDecided.signalAll();
      } finally {
        closeLock.unlock();
      }
    }
  }

  /** Settings of an in-memory queue; every one has a default. Not thread-safe. */
  public static final class Builder {

    private static final long HEAP_SHARE = 4;

    private final String name;
    private @Nullable InMemoryStore store;
    private @Nullable String deadLetters;
    private Duration lease = Duration.ofSeconds(30);
    private Duration grace = Duration.ofSeconds(10);
    private Duration dedupWindow = Duration.ofMinutes(5);
    private KeyPolicy keyPolicy = KeyPolicy.STRICT;
    private long maxMessages = 10_000_000;
    private long maxBytes = Runtime.getRuntime().maxMemory() / HEAP_SHARE;

    private Builder(String name) {
      this.name = name;
      this.deadLetters = name + ".dlq";
    }

    /** The store to open the queue in; by default a new one in real time. */
    public Builder store(InMemoryStore value) {
      store = value;
      return this;
    }

    /** A new store under this time source: short for {@code store(new InMemoryStore(time))}. */
    public Builder time(TimeSource time) {
      return store(new InMemoryStore(time));
    }

    /** How long a delivery is leased at first; 30 s by default. */
    public Builder lease(Duration value) {
      lease = value;
      return this;
    }

    /** How long close() waits for deliveries in the callers' hands; 10 s by default. */
    public Builder grace(Duration value) {
      grace = value;
      return this;
    }

    /** How long dedup ids are remembered (U1); 5 minutes by default, zero: not at all. */
    public Builder dedupWindow(Duration value) {
      dedupWindow = value;
      return this;
    }

    /** What a failing or delayed message does to its key (K2); strict by default. */
    public Builder keyPolicy(KeyPolicy value) {
      keyPolicy = value;
      return this;
    }

    /**
     * Name of the queue in the same store that takes the dead letters; this queue's name and {@code
     * .dlq} by default.
     */
    public Builder deadLetters(String queueName) {
      deadLetters = queueName;
      return this;
    }

    /** Leaves the queue without a dead-letter destination. */
    public Builder withoutDeadLetters() {
      deadLetters = null;
      return this;
    }

    /**
     * Most messages stored; 10 million by default. An enqueue beyond it fails with {@link
     * ErrorCode#OVERLOADED}.
     */
    public Builder maxMessages(long value) {
      maxMessages = value;
      return this;
    }

    /**
     * Bound of the estimated heap use; a quarter of the JVM's largest heap by default. Beyond it as
     * above.
     */
    public Builder maxBytes(long value) {
      maxBytes = value;
      return this;
    }

    /**
     * Opens the queue.
     *
     * @throws QueueException with {@link ErrorCode#MISCONFIGURED} when it is open in the store with
     *     other settings
     * @throws IllegalArgumentException when the lease is outside what the queue grants
     */
    public InMemoryWorkQueue build() {
      return new InMemoryWorkQueue(this);
    }

    private Capabilities capabilities() {
      return Capabilities.builder("memory")
          .lease(Duration.ofMillis(1), Duration.ofHours(12))
          .lateness(Duration.ofMillis(100))
          .delays(Duration.ofDays(365), Duration.ofDays(365))
          .sizes(1 << 20, 9)
          .ids(128, 128)
          .batches(1, Integer.MAX_VALUE, 1)
          .dedupWindow(dedupWindow)
          .ordering(Ordering.PER_KEY)
          .attempts(AttemptPrecision.EXACT, true)
          .deadLetters(deadLetters != null)
          .build();
    }
  }
}
