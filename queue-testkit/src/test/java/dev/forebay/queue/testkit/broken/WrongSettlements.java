package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** What can be wrong with a settlement (A). */
final class WrongSettlements {

  private WrongSettlements() {}

  /** Says yes to every settlement of what is settled already. */
  static final class SaysOkTwice extends Broken {
    private final Set<Delivery> settled = ConcurrentHashMap.newKeySet();

    SaysOkTwice(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    CompletableFuture<Settlement> settle(
        Delivery delivery, Supplier<CompletableFuture<Settlement>> call) {
      if (settled.contains(behind(delivery))) {
        return done(Settlement.OK);
      }
      return call.get()
          .whenComplete(
              (result, failure) -> {
                if (result == Settlement.OK) {
                  settled.add(behind(delivery));
                }
              });
    }
  }

  /** Says yes to an ack after the lease, as SQS does. */
  static final class SaysOkToStaleAcks extends Broken {
    SaysOkToStaleAcks(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<Settlement> ack(Delivery delivery) {
      return super.ack(delivery)
          .thenApply(
              result -> result == Settlement.STALE && delivery.isLost() ? Settlement.OK : result);
    }
  }

  /** Removes the message at an ack after the lease, whoever holds it now. */
  static final class AcksForOthers extends Broken {
    AcksForOthers(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    Delivery alter(Delivery delivery) {
      Delivery held = behind(delivery);
      broker.ackOfHolder.put(delivery.id(), held::ack);
      return delivery;
    }

    @Override
    public CompletableFuture<Settlement> ack(Delivery delivery) {
      return super.ack(delivery)
          .whenComplete(
              (result, failure) -> {
                Runnable ack = broker.ackOfHolder.get(delivery.id());
                if (result == Settlement.STALE && delivery.isLost() && ack != null) {
                  ack.run();
                }
              });
    }
  }

  /** Says yes to every fourth ack without passing it on. */
  static final class ForgetsAcks extends Broken {
    ForgetsAcks(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<Settlement> ack(Delivery delivery) {
      return broker.count.incrementAndGet() % 4 == 0 ? done(Settlement.OK) : super.ack(delivery);
    }
  }

  /** Gathers acks until the next poll or until there are seven, and drops the rest at close. */
  static final class DropsAcksAtClose extends Broken {
    private static final int BATCH = 7;

    private final List<Delivery> buffer = new ArrayList<>();

    DropsAcksAtClose(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<Settlement> ack(Delivery delivery) {
      if (delivery.leaseRemaining().isZero()) {
        return super.ack(delivery);
      }
      synchronized (buffer) {
        buffer.add(delivery);
        if (buffer.size() == BATCH) {
          flush();
        }
      }
      return done(Settlement.OK);
    }

    private void flush() {
      synchronized (buffer) {
        buffer.forEach(super::ack);
        buffer.clear();
      }
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      flush();
      return super.poll(max, wait);
    }
  }

  /** Lets a stale ack spoil the one that travels with it. */
  static final class SpoilsBatches extends Broken {
    private volatile boolean spoilt;

    SpoilsBatches(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<Settlement> ack(Delivery delivery) {
      if (spoilt) {
        spoilt = false;
        return done(Settlement.UNKNOWN);
      }
      return super.ack(delivery)
          .whenComplete((result, failure) -> spoilt = result == Settlement.STALE);
    }
  }
}
