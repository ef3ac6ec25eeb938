package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.Message;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/** What can be wrong with a release and with what waits for its time (R). */
final class WrongRetries {

  private WrongRetries() {}

  /** Brings a released message back at once. */
  static final class IgnoresReleaseDelay extends Broken {
    IgnoresReleaseDelay(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<Settlement> release(
        Delivery delivery, Duration delay, ReleaseCause cause) {
      return super.release(delivery, Duration.ZERO, cause);
    }
  }

  /** Brings a released message back at twice its delay. */
  static final class ReleasesLate extends Broken {
    ReleasesLate(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<Settlement> release(
        Delivery delivery, Duration delay, ReleaseCause cause) {
      return super.release(delivery, delay.multipliedBy(2), cause);
    }
  }

  /** Loses what is released. */
  static final class LosesOnRelease extends Broken {
    LosesOnRelease(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<Settlement> release(
        Delivery delivery, Duration delay, ReleaseCause cause) {
      return super.ack(delivery);
    }
  }

  /** Knows nothing of earlier attempts. */
  static final class ForgetsAttempts extends Broken {
    ForgetsAttempts(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    Delivery alter(Delivery delivery) {
      return new Altered(delivery) {
        @Override
        public Attempts attempts() {
          return Attempts.NONE;
        }
      };
    }
  }

  /** Counts a return as a failure. */
  static final class CountsReturns extends Broken {
    CountsReturns(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<Settlement> release(
        Delivery delivery, Duration delay, ReleaseCause cause) {
      return super.release(delivery, delay, ReleaseCause.FAILED);
    }
  }

  /** Pauses the whole queue while one message waits for its time. */
  static final class PausesForDelays extends Broken {
    private volatile long pausedUntil;

    PausesForDelays(WorkQueue target, Broker broker) {
      super(target, broker);
      pausedUntil = broker.time.nanoTime();
    }

    private void pause(Duration delay) {
      pausedUntil =
          Math.max(pausedUntil, broker.time.nanoTime() + Math.min(delay.toNanos(), 1L << 60));
    }

    @Override
    public CompletableFuture<EnqueueOutcome> enqueue(Message message) {
      pause(message.delay());
      return super.enqueue(message);
    }

    @Override
    public CompletableFuture<Settlement> release(
        Delivery delivery, Duration delay, ReleaseCause cause) {
      CompletableFuture<Settlement> result = super.release(delivery, delay, cause);
      pause(delay);
      return result;
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      return pausedUntil - broker.time.nanoTime() > 0 ? List.of() : super.poll(max, wait);
    }
  }

  /** Gives nothing more until all of its last batch is settled or lost. */
  static final class WaitsForItsBatch extends Broken {
    private final Set<Delivery> batch = ConcurrentHashMap.newKeySet();

    WaitsForItsBatch(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      batch.removeIf(delivery -> delivery.leaseRemaining().isZero());
      return batch.isEmpty() ? super.poll(max, wait) : List.of();
    }

    @Override
    Delivery alter(Delivery delivery) {
      batch.add(behind(delivery));
      return delivery;
    }
  }
}
