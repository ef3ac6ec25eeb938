package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.ReleaseCause;
import dev.forebay.queue.Settlement;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.spi.Checks;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** What can be wrong with a lease (L). */
final class WrongLeases {

  private WrongLeases() {}

  /** Hands every third delivery out once more while it is held. */
  static final class HandsOutTwice extends Broken {
    private final ArrayDeque<Delivery> copies = new ArrayDeque<>();

    HandsOutTwice(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      synchronized (copies) {
        Delivery copy = copies.poll();
        if (copy != null && !copy.leaseRemaining().isZero()) {
          return List.of(adopt(copy));
        }
      }
      List<Delivery> taken = super.poll(max, wait);
      synchronized (copies) {
        for (Delivery delivery : taken) {
          if (broker.count.incrementAndGet() % 3 == 0) {
            copies.add(behind(delivery));
          }
        }
      }
      return taken;
    }
  }

  /** Does something to each delivery when half of its lease is over. */
  private abstract static class AtHalfTime extends Broken {
    AtHalfTime(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    Delivery alter(Delivery delivery) {
      watch(behind(delivery), delivery.leaseRemaining());
      return delivery;
    }

    private void watch(Delivery delivery, Duration lease) {
      broker.time.schedule(
          lease.dividedBy(2),
          () -> {
            Duration left = delivery.leaseRemaining();
            if (left.isZero()) {
              return;
            }
            if (left.compareTo(lease.dividedBy(2)) <= 0) {
              act(delivery, lease);
            }
            watch(delivery, lease);
          });
    }

    abstract void act(Delivery delivery, Duration lease);
  }

  /** Brings a message back before its lease ends. */
  static final class EndsLeasesEarly extends AtHalfTime {
    EndsLeasesEarly(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    void act(Delivery delivery, Duration lease) {
      delivery.queue().release(delivery, Duration.ZERO, ReleaseCause.FAILED);
    }
  }

  /** Keeps every lease alive, whether somebody works or hangs. */
  static final class NeverEndsLeases extends AtHalfTime {
    NeverEndsLeases(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    void act(Delivery delivery, Duration lease) {
      delivery.extend(lease);
    }
  }

  /** Says that a lease is extended, and does nothing. */
  static final class ExtendsNothing extends Broken {
    ExtendsNothing(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
      Checks.lease(lease, capabilities());
      return done(delivery.leaseRemaining().isZero() ? Settlement.STALE : Settlement.OK);
    }
  }

  /** Extends from the old end of the lease, not from now. */
  static final class ExtendsFromTheOldEnd extends Broken {
    ExtendsFromTheOldEnd(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public CompletableFuture<Settlement> extend(Delivery delivery, Duration lease) {
      return super.extend(delivery, lease.plus(delivery.leaseRemaining()));
    }
  }

  /** Never notices that a lease is lost. */
  static final class NoticesNoLoss extends Broken {
    NoticesNoLoss(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    Delivery alter(Delivery delivery) {
      return new Altered(delivery) {
        @Override
        public boolean isLost() {
          return false;
        }

        @Override
        public void onLost(Runnable listener) {}
      };
    }
  }

  /** Takes a settled delivery for a lost one. */
  static final class TakesSettledForLost extends Broken {
    TakesSettledForLost(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    Delivery alter(Delivery delivery) {
      return new Settled(delivery);
    }

    @Override
    public CompletableFuture<Settlement> ack(Delivery delivery) {
      return super.ack(delivery)
          .whenComplete((result, failure) -> ((Settled) delivery).listeners.forEach(Runnable::run));
    }

    private static final class Settled extends Altered {
      final List<Runnable> listeners = new ArrayList<>();

      Settled(Delivery delivery) {
        super(delivery);
      }

      @Override
      public void onLost(Runnable listener) {
        listeners.add(listener);
        super.onLost(listener);
      }

      @Override
      public boolean isLost() {
        return behind.isLost() || behind.leaseRemaining().isZero();
      }
    }
  }

  /** Gives every delivery the same token. */
  static final class FencesWithAConstant extends Broken {
    FencesWithAConstant(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    Delivery alter(Delivery delivery) {
      return new Altered(delivery) {
        @Override
        public long fencingToken() {
          return 1;
        }
      };
    }
  }
}
