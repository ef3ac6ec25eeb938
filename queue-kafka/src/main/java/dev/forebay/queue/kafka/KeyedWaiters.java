package dev.forebay.queue.kafka;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The polls that wait for a record, woken in the order they came; each leaves the set before it is
 * signalled, so that nobody is woken twice while another sleeps. Guarded by the lock it is made
 * with.
 */
final class KeyedWaiters {

  private final ReentrantLock lock;
  private final TimeSource time;
  private final Set<Condition> waiting = new LinkedHashSet<>();

  KeyedWaiters(ReentrantLock lock, TimeSource time) {
    this.lock = lock;
    this.time = time;
  }

  boolean isEmpty() {
    return waiting.isEmpty();
  }

  /** Waits to be woken, for this long at most; false when interrupted, with the flag set again. */
  boolean await(long nanos) {
    Condition wakeUp = lock.newCondition();
    waiting.add(wakeUp);
    TimeSource.Timer limit = time.schedule(Duration.ofNanos(nanos), () -> timeUp(wakeUp));
    try {
      while (waiting.contains(wakeUp)) {
        wakeUp.await();
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      waiting.remove(wakeUp);
      limit.cancel();
    }
  }

  private void timeUp(Condition wakeUp) {
    lock.lock();
    try {
      if (waiting.remove(wakeUp)) {
        wakeUp.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  void wakeOne() {
    if (!waiting.isEmpty()) {
      Condition first = waiting.iterator().next();
      waiting.remove(first);
      first.signal();
    }
  }

  void wakeAll() {
    waiting.forEach(Condition::signal);
    waiting.clear();
  }
}
