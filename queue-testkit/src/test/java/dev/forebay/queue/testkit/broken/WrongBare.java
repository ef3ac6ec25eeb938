package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * What can be wrong with records of others (P5), with requests (E5), while the broker is away (S3),
 * and with what a queue says that it does not offer.
 */
final class WrongBare {

  private WrongBare() {}

  /** Takes a record that it cannot read out of the queue without a trace. */
  static final class DropsUndecodable extends Bare {
    DropsUndecodable(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    void setAside(Delivery delivery) {
      ack(delivery);
    }
  }

  /** Hands out a record that it cannot read, as if it were a message. */
  static final class HandsOutUndecodable extends Bare {
    HandsOutUndecodable(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    boolean isUndecodable(Delivery delivery) {
      return false;
    }
  }

  /** Can only read what the library wrote. */
  static final class RefusesForeign extends Bare {
    RefusesForeign(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    boolean isUndecodable(Delivery delivery) {
      return super.isUndecodable(delivery) || broker.foreign.contains(delivery.id());
    }
  }

  /** Sends every message in a request of its own. */
  static final class SendsEachAlone extends Bare {
    SendsEachAlone(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    void send() {
      broker.request(1);
    }
  }

  /** Says that what is enqueued while the broker is away is stored, and forgets it. */
  static final class LosesInOutages extends Bare {
    LosesInOutages(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
      return broker.isDown()
          ? done(new EnqueueOutcome.Enqueued("lost-" + broker.count.incrementAndGet()))
          : super.enqueue(message);
    }
  }

  /** Finds nothing any more once the broker was away. */
  static final class GivesUpInOutages extends Bare {
    private volatile boolean gaveUp;

    GivesUpInOutages(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      if (broker.isDown()) {
        gaveUp = true;
      }
      List<Delivery> taken = super.poll(max, wait);
      return gaveUp ? List.of() : taken;
    }
  }

  /** While the broker is away a poll fails at once, unless it may wait for the next attempt. */
  static final class SpinsInOutages extends Bare {
    private static final Duration NEXT_ATTEMPT = Duration.ofMillis(500);

    SpinsInOutages(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      if (!broker.isDown() || wait.isZero()) {
        return super.poll(max, wait);
      }
      if (wait.compareTo(NEXT_ATTEMPT) < 0) {
        // What a call takes; only those who spin move the clock, so that they cannot be outrun.
        broker.pass(Duration.ofMillis(1));
        return List.of();
      }
      while (broker.isDown()) {
        LockSupport.parkNanos(100_000);
      }
      return List.of();
    }
  }

  /** Takes a message with a delay, which it says it cannot, and delivers it at once. */
  static final class TakesDelays extends Bare {
    TakesDelays(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
      return super.enqueue(message.delay(Duration.ZERO));
    }
  }

  /** Drops what has a dedup id that it has seen, though it says that it does not look at them. */
  static final class DedupsUnasked extends Bare {
    DedupsUnasked(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
      return message.dedupId().isEmpty()
          ? super.enqueue(message)
          : WrongEnqueues.firstOf(this, message.dedupId().get(), () -> super.enqueue(message));
    }
  }

  /** Holds back the later ones of a key, though it promises no order for it. */
  static final class HoldsKeysUp extends Bare {
    HoldsKeysUp(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    @Nullable String lane(@Nullable String key) {
      return key;
    }
  }

  /** Cannot exempt a return from the count, and takes it for the end. */
  static final class LosesReturns extends Bare {
    LosesReturns(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<Settlement> release(
        Delivery delivery, Duration delay, ReleaseCause cause) {
      return cause == ReleaseCause.RETURNED ? ack(delivery) : super.release(delivery, delay, cause);
    }
  }

  /** Knows of no attempts in other processes. */
  static final class CountsItsOwn extends Bare {
    private final Map<String, Attempts> before = new ConcurrentHashMap<>();

    CountsItsOwn(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    Delivery alter(Delivery delivery) {
      Delivery right = super.alter(delivery);
      Attempts all = right.attempts();
      Attempts others = before.computeIfAbsent(delivery.id(), id -> all);
      return new Altered(right) {
        @Override
        public Attempts attempts() {
          return new Attempts(
              all.failed() - others.failed(), all.leaseLost() - others.leaseLost(), 0);
        }
      };
    }
  }

  /** Loses a message when it is asked for the list of dead letters that it does not have. */
  static final class LosesOneWhenAsked extends Bare {
    LosesOneWhenAsked(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public DeadLetters deadLetters() {
      poll(1, Duration.ZERO).forEach(this::ack);
      return super.deadLetters();
    }
  }
}
