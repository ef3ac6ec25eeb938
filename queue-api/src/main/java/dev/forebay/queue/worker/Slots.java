package dev.forebay.queue.worker;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * How many more deliveries the worker may take: a slot is in use from the moment a delivery is
 * received until its handler has ended, and settlements still under way are bounded too, so that a
 * slow broker gives back-pressure at intake instead of a growing heap (S3, W1).
 *
 * <p>Thread-safe. One thread takes, which is why "free" can only grow between its look and its
 * taking; any thread gives back.
 */
final class Slots {

  private final int total;
  private final int maxSettling;
  private final AtomicInteger used = new AtomicInteger();
  private final AtomicInteger settling = new AtomicInteger();
  private final Waiter taker;
  private final Waiter drainer;
  private final @Nullable Activity activity;

  /**
   * All slots free.
   *
   * @param taker told when a slot or settlement ends
   * @param drainer told likewise
   * @param activity told of what is taken and given back; null when nobody wants to know
   */
  Slots(int total, int maxSettling, Waiter taker, Waiter drainer, @Nullable Activity activity) {
    this.total = total;
    this.maxSettling = maxSettling;
    this.taker = taker;
    this.drainer = drainer;
    this.activity = activity;
  }

  int total() {
    return total;
  }

  /**
   * How many deliveries may be taken now. A slot in use counts as a settlement too, since it leads
   * to one; it is read first, because a delivery on its way from the one count to the other is then
   * seen twice rather than not at all.
   */
  int free() {
    int inUse = used.get();
    return Math.max(0, Math.min(total - inUse, maxSettling - inUse - settling.get()));
  }

  /** Whether a slot in use may go from one delivery to the next without having been free. */
  boolean mayPassOn() {
    return used.get() + settling.get() <= maxSettling;
  }

  int used() {
    return used.get();
  }

  /** Whether no slot is in use and no settlement under way. */
  boolean idle() {
    return used.get() == 0 && settling.get() == 0;
  }

  /** Takes slots that {@link #free} showed. */
  void take(int count) {
    int now = used.addAndGet(count);
    if (now > total) {
      throw new IllegalStateException(now + " of " + total + " slots taken");
    }
    if (activity != null && count > 0) {
      activity.took(count);
    }
  }

  void giveBack() {
    int now = used.decrementAndGet();
    if (now < 0) {
      throw new IllegalStateException("A slot was given back twice");
    }
    if (activity != null) {
      activity.gaveBack();
    }
    changed();
  }

  void settlementBegins() {
    settling.incrementAndGet();
  }

  void settlementEnds() {
    settling.decrementAndGet();
    changed();
  }

  private void changed() {
    taker.signal();
    drainer.signal();
  }
}
