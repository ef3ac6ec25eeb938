package dev.forebay.queue.sqs;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.Checks;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;

/**
 * The work queue on an Amazon SQS queue, standard or FIFO; which of them, its name says.
 *
 * <pre>{@code
 * try (WorkQueue queue = SqsWorkQueue.builder(sqsAsyncClient, queueUrl).build()) {
 *   for (Delivery delivery : queue.poll(8, Duration.ofSeconds(20))) {
 *     ...
 *     delivery.ack();
 *   }
 * }
 * }</pre>
 *
 * <p><b>Durability (E1).</b> A message is enqueued when SQS answered with success: it is then
 * stored on several servers.
 *
 * <p><b>Standard queues</b> keep no order, deduplicate nothing at enqueue, and may rarely deliver a
 * message twice; duplicates that this object can see, because it holds or has finished the message,
 * are not delivered. A key becomes the message group id, by which SQS keeps a noisy key from
 * delaying the others. A client that retries a send whose answer was lost may store a message
 * twice; both copies have one id.
 *
 * <p><b>FIFO queues</b> deliver the messages of one key one at a time and in order (K1); a message
 * without a key is ordered with none. Dedup ids count for five minutes (U1). A dedup id decides the
 * message's id, so that both enqueues report the same one; the second is told as a duplicate when
 * this object sent the first too, else as enqueued. Delays at enqueue are not offered. A message
 * that fails more than once stays away for at least a second, so that those of other keys get a
 * turn before it (R4).
 *
 * <p><b>Leases</b> are visibility timeouts. They count from before SQS was asked and are judged by
 * this machine's monotonic clock: a late settlement is STALE and is not sent (A3). SQS ends a
 * delivery 12 hours after its receive however often it is extended; an extension is cut to that,
 * and is STALE when nothing would be gained.
 *
 * <p><b>Attempts</b> come from SQS's receive count. This object remembers the causes of its own
 * deliveries; those of other processes count as lost leases (R2). So that returns do not, a message
 * that is returned until later is sent anew with its attempts and then deleted: on standard queues,
 * up to a delay of 15 minutes. On FIFO queues returns of other processes do count as lost leases; a
 * fleet that returns much there raises {@code RetryPolicy.maxLostLeases}. A redrive policy counts
 * receives too, those among them that were lost or given back: its maximum should be 10 or more,
 * and above the worker's. Below that nothing is received ahead of the polls, and it is logged at
 * build.
 *
 * <p><b>Dead letters</b> go to the queue that the builder names, or else to the target of the
 * queue's redrive policy. They are copied by this library, with cause and attempts. What SQS itself
 * moves there, after the policy's maximum of receives, has none; nor has another producer's message
 * that fills SQS's limit of size to the last bytes. {@link #deadLetters()} shows them all; to look
 * at them it receives them with a visibility of 30 s and makes them visible again at once.
 *
 * <p><b>Other producers'</b> messages are delivered with their body as text and their attributes as
 * headers. A message whose library data are damaged goes to the dead letters as {@link
 * DeadLetterCause#UNDECODABLE}; without a dead-letter queue it is delivered as a plain message.
 *
 * <p><b>The client</b> is the caller's, who also closes it, after the queue. It needs some 60
 * connections under full load ({@code maxConcurrency} of its HTTP client), and time-outs above the
 * poll wait. Its own retries of a receive are harmless; of a send see above. Least processor time
 * is taken by a client on {@code aws-crt-client} with {@code FUTURE_COMPLETION_EXECUTOR} set to
 * {@code Runnable::run}; callbacks on this object's futures then run on the client's event loop and
 * must not block.
 *
 * <p>Thread-safe. Uses no threads of its own: it works on the client's, the callers' and the timer
 * thread of the time source.
 */
public final class SqsWorkQueue implements WorkQueue {

  private static final Duration LINGER = Duration.ofMillis(5);

  /** A FIFO queue puts what is given back in front of all groups; so others get a turn (R4). */
  private static final Duration STEP_ASIDE = Duration.ofSeconds(1);

  private final SqsAsyncClient client;
  private final QueueFacts facts;
  private final TimeSource time;
  private final Duration grace;
  private final Capabilities capabilities;
  private final LeaseTimes times;
  private final Duration lease;
  private final Ledger ledger;
  private final Settler settler;
  private final Settlements settlements;
  private final Sender sender;
  private final Outbox outbox;
  private final Intake intake;
  private final Receiver receiver;
  private final @Nullable DeadLetterQueue dead;

  private final Closing closing;
  private final AtomicBoolean tending = new AtomicBoolean();

  private SqsWorkQueue(Builder builder, QueueFacts facts, @Nullable QueueFacts deadLetters) {
    this.client = builder.client;
    this.facts = facts;
    this.time = builder.time;
    this.grace = builder.grace;
    this.closing = new Closing(facts.name(), grace, time);
    this.lease = builder.lease;
    this.times = new LeaseTimes(time, lease, Opening.longestWait(builder.pollWait, grace));
    this.capabilities = SqsCapabilities.of(facts, times.lateness(), deadLetters != null);
    this.ledger = new Ledger(facts.fifo());
    this.settler = new Settler(client, facts.url(), time, LINGER);
    this.sender = new Sender(client, facts.url(), facts.fifo(), time, LINGER);
    this.settlements = new Settlements(settler, ledger, new WrittenReturns(sender, facts), time);
    this.outbox = new Outbox(facts, capabilities, sender, time);
    this.dead =
        deadLetters == null
            ? null
            : new DeadLetterQueue(
                client, facts, deadLetters, sender, time, LINGER, closing::isClosing);
    this.intake =
        new Intake(this, ledger, times, time, settlements, dead == null ? null : dead.letters());
    this.receiver =
        new Receiver(
            facts,
            times,
            time,
            new Receives(client, facts.url(), times, time, intake),
            SqsCapabilities.receiveBatch(facts),
            this::held,
            settlements::giveBack);
  }

  /**
   * A queue to be opened.
   *
   * @param client the caller's client, which stays the caller's to close
   * @param queueUrl the queue's URL; a name that ends in {@code .fifo} makes it a FIFO queue
   */
  public static Builder builder(SqsAsyncClient client, String queueUrl) {
    return new Builder(client, queueUrl);
  }

  @Override
  public String name() {
    return facts.name();
  }

  @Override
  public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
    if (closing.isClosing()) {
      return done(
          new EnqueueOutcome.Failed(
              ErrorCode.CLOSED,
              "The queue " + name() + " is closed; open another one to enqueue."));
    }
    return outbox.put(message);
  }

  private static CompletableFuture<EnqueueOutcome> done(EnqueueOutcome outcome) {
    return CompletableFuture.completedFuture(outcome);
  }

  @Override
  public List<Delivery> poll(int max, Duration wait) {
    Checks.poll(max, wait);
    if (closing.isClosing()) {
      throw new QueueException(
          ErrorCode.CLOSED, "The queue " + name() + " is closed; stop polling it.");
    }
    return receiver.poll(max, wait);
  }

  @Override
  public CompletableFuture<Settlement> ack(Delivery delivery) {
    return closing.tracked(settlements.ack(own(delivery)));
  }

  @Override
  public CompletableFuture<Settlement> extend(Delivery delivery, Duration newLease) {
    Checks.lease(newLease, capabilities);
    return closing.tracked(settlements.extend(own(delivery), newLease));
  }

  @Override
  public CompletableFuture<Settlement> release(
      Delivery delivery, Duration delay, ReleaseCause cause) {
    Checks.releaseDelay(delay, capabilities);
    SqsDelivery own = own(delivery);
    if (time.nanoTime() + delay.toNanos() > LeaseTimes.hardEnd(own.receivedNanos())) {
      throw new QueueException(
          ErrorCode.UNSUPPORTED,
          "SQS hides a message for 12 hours after its receive at most, and a delay of "
              + delay
              + " would end later. Release it earlier or with a shorter delay.");
    }
    if (!own.beginSettlement()) {
      return CompletableFuture.completedFuture(Settlement.STALE);
    }
    boolean failsAgain = facts.fifo() && cause == ReleaseCause.FAILED && own.attempt() > 1;
    Duration away = failsAgain && delay.compareTo(STEP_ASIDE) < 0 ? STEP_ASIDE : delay;
    return closing.tracked(settlements.release(own, away, cause, receiver.detach(own)));
  }

  @Override
  public CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause) {
    SqsDelivery own = own(delivery);
    if (dead == null) {
      Checks.deadLetters(capabilities);
      throw new IllegalStateException("Dead letters are declared but have no destination.");
    }
    return closing.tracked(settlements.deadLetter(own, cause, dead.letters()));
  }

  @Override
  public DeadLetters deadLetters() {
    return dead == null ? WorkQueue.super.deadLetters() : dead.bench();
  }

  private SqsDelivery own(Delivery delivery) {
    if (delivery instanceof SqsDelivery sqs && sqs.queue() == this) {
      return sqs;
    }
    throw new IllegalArgumentException(
        "This delivery was not handed out by the queue " + name() + ".");
  }

  @Override
  public Capabilities capabilities() {
    return capabilities;
  }

  @Override
  public QueueDepth depth() {
    return SqsDepth.of(client, facts);
  }

  /**
   * {@inheritDoc}
   *
   * <p>Knows what this queue object holds, and on standard queues what it acked lately; SQS itself
   * cannot be asked for one message.
   */
  @Override
  public Explanation explain(String id) {
    Explanation found = ledger.explain(id);
    return found != null
        ? found
        : Explanation.unknown(
            id,
            "Unknown here: this process does not hold it, and SQS cannot be asked for one message."
                + " It may wait in the queue, be held by another process, or be done"
                + (dead == null ? "." : "; deadLetters() can list it by its id if it died."));
  }

  /**
   * How many messages could not be decoded since this queue was built; each went to the dead
   * letters, or was delivered as a plain message where there are none (P5).
   */
  public long undecodable() {
    return intake.undecodable();
  }

  /**
   * How many duplicates were kept from being delivered since this queue was built: of messages that
   * this object held or had finished (L1, A2).
   */
  public long suppressedDuplicates() {
    return ledger.suppressed();
  }

  @Override
  public <T> T unwrap(Class<T> type) {
    if (type.isInstance(client)) {
      return type.cast(client);
    }
    throw new QueueException(
        ErrorCode.UNSUPPORTED,
        "There is no " + type.getName() + " behind an SQS queue; ask for SqsAsyncClient.");
  }

  /** A delivery was settled or lost. */
  void decided(SqsDelivery delivery) {
    ledger.decided(delivery);
    receiver.decided(delivery);
    closing.signal();
  }

  /** Something is held: from now on it is looked after, until nothing is. */
  private void held() {
    if (tending.compareAndSet(false, true)) {
      time.schedule(times.tending(), this::tend);
    }
  }

  /**
   * Notices leases that ended unseen, which frees their group and their place here, and keeps alive
   * or gives back what waits for a poll.
   */
  private void tend() {
    ledger.held().forEach(SqsDelivery::isLost);
    for (SqsDelivery delivery : receiver.tend()) {
      var unused = settlements.extend(delivery, lease);
    }
    tending.set(false);
    if (!closing.isClosed() && !ledger.isEmpty()) {
      held();
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>A thread that was interrupted closes as any other, and is interrupted still when this ends.
   * A receive that is under way is waited for, two seconds if need be, also with a shorter grace
   * time.
   */
  @Override
  public void close() {
    // The client, too, may take it for a reason to give up.
    boolean interrupted = Thread.interrupted();
    try {
      if (closing.begin()) {
        try {
          new Drain(closing, ledger, receiver, settler, sender, dead, time)
              .run(name(), grace, times.longestWait());
        } finally {
          closing.end();
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Settings of a queue on SQS; every one has a default. Not thread-safe. */
  public static final class Builder {

    private final SqsAsyncClient client;
    private final String queueUrl;
    private Duration lease = Duration.ofSeconds(30);
    private Duration grace = Duration.ofSeconds(10);
    private Duration pollWait = Duration.ofSeconds(5);
    private TimeSource time = SystemTimeSource.get();
    private @Nullable String deadLetterQueueUrl;
    private boolean deadLetters = true;

    private Builder(SqsAsyncClient client, String queueUrl) {
      this.client = client;
      this.queueUrl = queueUrl;
    }

    /** How long a delivery is leased at first: 1 s to 12 h, 30 s by default. */
    public Builder lease(Duration value) {
      lease = value;
      return this;
    }

    /**
     * How long close() waits for deliveries in the callers' hands; 10 s by default. No receive
     * waits longer than that less a second, since close() waits for the one under way, too.
     */
    public Builder grace(Duration value) {
      grace = value;
      return this;
    }

    /**
     * Longest wait of one receive in whole seconds: 1 s to 20 s, 5 s by default, and never more
     * than a third of the lease, nor than the grace time less a second. A longer one costs fewer
     * requests while the queue is empty; close() waits for the receive that is under way.
     */
    public Builder pollWait(Duration value) {
      pollWait = value;
      return this;
    }

    /**
     * The queue that takes the dead letters; the target of the queue's redrive policy by default.
     */
    public Builder deadLetterQueueUrl(String url) {
      deadLetterQueueUrl = url;
      deadLetters = true;
      return this;
    }

    /** Leaves the queue without a dead-letter destination, whatever its redrive policy says. */
    public Builder withoutDeadLetters() {
      deadLetterQueueUrl = null;
      deadLetters = false;
      return this;
    }

    Builder time(TimeSource value) {
      time = value;
      return this;
    }

    /**
     * Opens the queue. Asks SQS for its attributes and those of its dead-letter queue, each within
     * 20 s; the caller needs {@code sqs:GetQueueAttributes} and {@code sqs:GetQueueUrl}. SQS cannot
     * be asked what else is allowed, and a process that only enqueues needs less than one that
     * polls: what is refused later is logged as an error with the action to allow.
     *
     * @throws QueueException with {@link ErrorCode#NOT_FOUND}, {@link ErrorCode#ACCESS_DENIED},
     *     {@link ErrorCode#UNAVAILABLE} or {@link ErrorCode#MISCONFIGURED}, each telling what to do
     *     (S2)
     */
    public SqsWorkQueue build() {
      Opening.checkTimes(lease, pollWait, grace);
      QueueFacts facts = Opening.facts(client, queueUrl);
      QueueFacts target =
          deadLetters ? Opening.deadLetterFacts(client, facts, deadLetterQueueUrl) : null;
      return new SqsWorkQueue(this, facts, target);
    }
  }
}
