package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.Explanation;
import dev.forebay.queue.QueueDepth;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** What can be wrong with a poll and what it hands out (P, W7). */
final class WrongPolls {

  private WrongPolls() {}

  /** Gives null when there is nothing. */
  static final class GivesNull extends Broken {
    GivesNull(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    @SuppressWarnings("NullAway")
    public List<Delivery> poll(int max, Duration wait) {
      List<Delivery> taken = super.poll(max, wait);
      return taken.isEmpty() ? null : taken;
    }
  }

  /** Gives one more than asked for. */
  static final class GivesMore extends Broken {
    GivesMore(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      return super.poll(max + 1, wait);
    }
  }

  /** Returns at once whatever the wait, also for arguments without sense and after its end. */
  static final class NeverWaits extends Broken {
    NeverWaits(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      try {
        return super.poll(Math.max(1, max), Duration.ZERO);
      } catch (QueueException closed) {
        return List.of();
      }
    }
  }

  /** Sleeps for the whole wait: nothing wakes it, neither a message nor close. */
  static final class SleepsOn extends Broken {
    SleepsOn(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      List<Delivery> taken = super.poll(max, Duration.ZERO);
      if (!taken.isEmpty() || wait.isZero()) {
        return taken;
      }
      CountDownLatch over = new CountDownLatch(1);
      broker.time.schedule(wait, over::countDown);
      try {
        over.await();
        return super.poll(max, Duration.ZERO);
      } catch (InterruptedException swallowed) {
        return List.of();
      }
    }
  }

  /** Waits on although it has something, until it has all that was asked for. */
  static final class WaitsForAFullPoll extends Broken {
    WaitsForAFullPoll(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      List<Delivery> taken = new ArrayList<>(super.poll(max, wait));
      if (!taken.isEmpty() && taken.size() < max && !wait.isZero()) {
        taken.addAll(super.poll(max - taken.size(), wait));
      }
      return taken;
    }
  }

  /** Belongs to the first thread that polls it, as a Kafka consumer does. */
  static final class OneThreadOnly extends Broken {
    private volatile @Nullable Thread owner;

    OneThreadOnly(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      if (owner == null) {
        owner = Thread.currentThread();
      }
      if (owner != Thread.currentThread()) {
        throw new IllegalStateException("not for this thread");
      }
      return super.poll(max, wait);
    }
  }

  /** Counts the age of a message from its last hand-out. */
  static final class ForgetsAge extends Broken {
    ForgetsAge(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    Delivery alter(Delivery delivery) {
      Instant now = broker.time.now().plusMillis(1);
      return new Altered(delivery) {
        @Override
        public Instant enqueuedAt() {
          return now;
        }
      };
    }
  }

  /** Takes every message it is asked about for one whose delay has just ended. */
  static final class ExplainsByGuessing extends Broken {
    ExplainsByGuessing(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public Explanation explain(String id) {
      return Explanation.until(
          id, Explanation.State.DELAYED, broker.time.now(), "It will soon be there.");
    }
  }

  /** Receives ten more than asked for and keeps them until somebody asks, however old. */
  static class HoardsLeases extends Broken {
    private final ArrayDeque<Delivery> shelf = new ArrayDeque<>();

    HoardsLeases(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      synchronized (shelf) {
        if (!shelf.isEmpty()) {
          return List.of(shelf.removeFirst());
        }
      }
      List<Delivery> taken = super.poll(max < 1 ? max : max + 10, wait);
      if (taken.size() <= max) {
        return taken;
      }
      synchronized (shelf) {
        shelf.addAll(taken.subList(max, taken.size()));
      }
      return taken.subList(0, max);
    }

    @Override
    public void close() {
      List<Delivery> left;
      synchronized (shelf) {
        left = new ArrayList<>(shelf);
        shelf.clear();
      }
      end(left);
      super.close();
    }

    void end(List<Delivery> left) {
      left.forEach(Delivery::giveBack);
    }
  }

  /** Does not even give back at close what it received ahead. */
  static final class DropsBufferAtClose extends HoardsLeases {
    DropsBufferAtClose(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    void end(List<Delivery> left) {}
  }

  /** Says that nothing is waiting. */
  static final class SeesNoBacklog extends Broken {
    SeesNoBacklog(WorkQueue target, Broker broker) {
      super(target, broker);
    }

    @Override
    public QueueDepth depth() {
      return new QueueDepth(
          OptionalLong.of(0), OptionalLong.of(0), OptionalLong.of(0), Optional.of(Duration.ZERO));
    }
  }
}
