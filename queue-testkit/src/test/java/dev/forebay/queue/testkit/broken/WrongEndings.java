package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.DeadLetter;
import dev.forebay.queue.DeadLetterCause;
import dev.forebay.queue.Delivery;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;

/** What can be wrong with dead letters (D) and with close (S). */
final class WrongEndings {

  private WrongEndings() {}

  /** Removes what it should set aside; also where it has nowhere to set it. */
  static final class LosesDeadLetters extends Broken {
    LosesDeadLetters(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause) {
      return super.ack(delivery);
    }
  }

  /** Writes the dead letter and leaves the message where it was. */
  static final class KeepsTheSource extends Broken {
    KeepsTheSource(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<Settlement> deadLetter(Delivery delivery, DeadLetterCause cause) {
      CompletableFuture<Settlement> result = super.deadLetter(delivery, cause);
      super.enqueue(delivery.message().dedupId(null));
      return result;
    }
  }

  /** Leaves the headers out of the dead letter, as Kafka's own dead-letter queue may. */
  static final class StripsDeadLetters extends Broken {
    StripsDeadLetters(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    Delivery alter(Delivery delivery) {
      return delivery.deadLetter().isEmpty()
          ? delivery
          : Altered.message(delivery, WrongEnqueues.withoutHeaders(delivery.message()));
    }
  }

  /** Does not say what a dead letter died of. */
  static final class ForgetsTheCause extends Broken {
    ForgetsTheCause(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    Delivery alter(Delivery delivery) {
      return new Altered(delivery) {
        @Override
        public Optional<DeadLetter> deadLetter() {
          return behind
              .deadLetter()
              .map(
                  letter ->
                      new DeadLetter(
                          new DeadLetterCause("", ""),
                          letter.attempts(),
                          letter.lastDelivered(),
                          letter.origin()));
        }
      };
    }
  }

  /** Does not close at all. */
  static final class IgnoresClose extends Broken {
    IgnoresClose(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public void close() {}
  }

  /** Takes no settlement any more once it closes. */
  static final class DoesNotDrain extends Broken {
    private volatile boolean closing;

    DoesNotDrain(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    CompletableFuture<Settlement> settle(
        Delivery delivery, Supplier<CompletableFuture<Settlement>> call) {
      return closing ? done(Settlement.STALE) : call.get();
    }

    @Override
    public void close() {
      closing = true;
      super.close();
    }
  }

  /** Takes the interrupt of the thread that closes it for a reason not to wait for anything. */
  static final class HurriesWhenInterrupted extends Broken {
    private volatile boolean hurried;

    HurriesWhenInterrupted(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    CompletableFuture<Settlement> settle(
        Delivery delivery, Supplier<CompletableFuture<Settlement>> call) {
      return hurried ? done(Settlement.UNKNOWN) : call.get();
    }

    @Override
    public void close() {
      hurried = Thread.currentThread().isInterrupted();
      if (!hurried) {
        super.close();
      }
    }
  }

  /** Waits at close for deliveries that nobody settles, for ever. */
  static final class HangsAtClose extends Broken {
    private final Set<Delivery> held = ConcurrentHashMap.newKeySet();

    HangsAtClose(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    Delivery alter(Delivery delivery) {
      held.add(behind(delivery));
      return delivery;
    }

    @Override
    public void close() {
      held.removeIf(delivery -> delivery.leaseRemaining().isZero());
      super.close();
      if (!held.isEmpty()) {
        broker.threads.add(Thread.currentThread());
        park();
      }
    }
  }

  /** Starts a thread that outlives it. */
  static final class LeavesAThread extends Broken {
    LeavesAThread(WorkQueue target, Broker broker) {
      super(target, broker);
      Thread thread = new Thread(WrongEndings::park, "left-behind");
      thread.setDaemon(true);
      broker.threads.add(thread);
      thread.start();
    }
  }

  private static void park() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException over) {
      // The test is over.
    }
  }
}
