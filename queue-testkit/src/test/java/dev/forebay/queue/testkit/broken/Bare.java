package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Capabilities;
import dev.forebay.queue.Capabilities.AttemptPrecision;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.Message;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.Checks;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A queue that offers nothing it need not, on a broker that others write to, that can be away and
 * whose requests are counted: what the in-memory queue behind it is not. Right as long as nothing
 * is overridden. It stands on an in-memory queue without dedup.
 */
class Bare extends Broken {

  private static final int BATCH = 10;

  /** How far the clock moves at a time for those who wait while the broker is away. */
  private static final Duration STEP = Duration.ofMillis(10);

  Bare(WorkQueue target, Broker broker) {
    super(target, broker);
  }

  @Override
  public Capabilities capabilities() {
    Capabilities can = super.capabilities();
    return Capabilities.builder("bare")
        .lease(can.minLease(), can.maxLease())
        .lateness(can.lateness())
        .delays(Duration.ZERO, can.maxReleaseDelay())
        .sizes(can.maxMessageBytes(), can.maxHeaders())
        .ids(can.maxKeyBytes(), can.maxDedupIdBytes())
        .batches(BATCH, can.receiveBatch(), can.settleBatch())
        .attempts(AttemptPrecision.CAUSE_PER_PROCESS, false)
        .deadLetters(can.deadLetters())
        .build();
  }

  @Override
  public DeadLetters deadLetters() {
    throw new QueueException(ErrorCode.UNSUPPORTED, "Poll the destination of the dead letters.");
  }

  @Override
  public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
    EnqueueOutcome failed = Checks.message(message, capabilities(), Checks.plainSize(message));
    if (failed == null) {
      failed = Checks.enqueueDelay(message, capabilities());
    }
    if (failed == null && broker.isDown()) {
      failed = new EnqueueOutcome.Failed(ErrorCode.UNAVAILABLE, "The broker is away; try again.");
    }
    if (failed != null) {
      return done(failed);
    }
    send();
    return store(message);
  }

  /** Goes with a request that has room, or begins one. */
  void send() {
    broker.request(BATCH);
  }

  /** What holds up later messages of the same key. */
  @Nullable String lane(@Nullable String key) {
    return null;
  }

  private CompletableFuture<EnqueueOutcome> store(Message message) {
    String key = message.key().orElse(null);
    // Whoever takes it at once must find its key.
    synchronized (broker.notes) {
      CompletableFuture<EnqueueOutcome> outcome = super.enqueue(message.key(lane(key)));
      if (key != null && outcome.join() instanceof EnqueueOutcome.Enqueued enqueued) {
        broker.notes.put(enqueued.id(), key);
      }
      return outcome;
    }
  }

  @Override
  public List<Delivery> poll(int max, Duration wait) {
    Checks.poll(max, wait);
    long began = broker.time.nanoTime();
    while (true) {
      Duration left = wait.minusNanos(broker.time.nanoTime() - began);
      left = left.isNegative() ? Duration.ZERO : left;
      if (!broker.isDown()) {
        List<Delivery> taken = super.poll(max, left);
        List<Delivery> read = withoutUndecodable(taken);
        if (taken.isEmpty() || !read.isEmpty()) {
          return read;
        }
      } else if (left.isZero()) {
        return List.of();
      } else {
        broker.pass(STEP);
        LockSupport.parkNanos(100_000);
      }
    }
  }

  private List<Delivery> withoutUndecodable(List<Delivery> taken) {
    List<Delivery> read = new ArrayList<>();
    for (Delivery delivery : taken) {
      if (delivery.deadLetter().isEmpty() && isUndecodable(delivery)) {
        setAside(delivery);
      } else {
        read.add(delivery);
      }
    }
    return read;
  }

  boolean isUndecodable(Delivery delivery) {
    return broker.undecodable.contains(delivery.id());
  }

  void setAside(Delivery delivery) {
    super.deadLetter(delivery, new DeadLetterCause(DeadLetterCause.UNDECODABLE, "not a message"));
  }

  @Override
  Delivery alter(Delivery delivery) {
    String key;
    synchronized (broker.notes) {
      key = broker.notes.get(delivery.id());
    }
    Message message = delivery.message().key(key);
    return new Altered(delivery) {
      @Override
      public Message message() {
        return message;
      }

      /** A broker that counts deliveries cannot tell a return from a lost lease. */
      @Override
      public Attempts attempts() {
        Attempts known = behind.attempts();
        return new Attempts(known.failed(), known.leaseLost() + known.returned(), 0);
      }
    };
  }

  @Override
  CompletableFuture<Settlement> settle(
      Delivery delivery, Supplier<CompletableFuture<Settlement>> call) {
    return broker.isDown() ? done(Settlement.UNKNOWN) : call.get();
  }
}
