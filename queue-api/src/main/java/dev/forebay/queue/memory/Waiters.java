package dev.forebay.queue.memory;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The polls that wait for a message, woken in the order they came. Each has a condition of its own
 * and leaves the set before it is signalled, so that nobody is woken twice while another sleeps.
 * Guarded by the lock it is made with.
 */
final class Waiters {

  private record Waiter(InMemoryWorkQueue owner, Condition wakeUp) {}

  private final ReentrantLock lock;
  private final TimeSource time;
  private final Set<Waiter> waiting = new LinkedHashSet<>();

  Waiters(ReentrantLock lock, TimeSource time) {
    this.lock = lock;
    this.time = time;
  }

  boolean isEmpty() {
    return waiting.isEmpty();
  }

  /** Waits to be woken, for this long at most; false when interrupted, with the flag set again. */
  boolean await(InMemoryWorkQueue owner, long nanos) {
    Waiter waiter = new Waiter(owner, lock.newCondition());
    waiting.add(waiter);
    TimeSource.Timer limit = time.schedule(Duration.ofNanos(nanos), () -> wake(waiter));
    try {
      while (waiting.contains(waiter)) {
        waiter.wakeUp.await();
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      waiting.remove(waiter);
      limit.cancel();
    }
  }

  private void wake(Waiter waiter) {
    lock.lock();
    try {
      if (waiting.remove(waiter)) {
        waiter.wakeUp.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  void wakeOne() {
    if (!waiting.isEmpty()) {
      Waiter first = waiting.iterator().next();
      waiting.remove(first);
      first.wakeUp.signal();
    }
  }

  /** Wakes the polls of one queue object, which closes. */
  void wakeAllOf(InMemoryWorkQueue owner) {
    waiting.removeIf(
        waiter -> {
          boolean its = waiter.owner == owner;
          if (its) {
            waiter.wakeUp.signal();
          }
          return its;
        });
  }
}
