package dev.forebay.queue.kafka;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The polls that wait for a record, woken in the order they came; each leaves the set before it is
 * signalled, so that nobody is woken twice while another sleeps.
 *
 * <p>One timer looks after all of them and outlives a wait that ended early: a busy queue waits
 * thousands of times a second, and a timer for each would cost more than the waits. Guarded by the
 * lock it is made with.
 */
final class KeyedWaiters {

  private record Turn(Condition wakeUp, long until) {}

  private final ReentrantLock lock;
  private final TimeSource time;
  private final Set<Turn> waiting = new LinkedHashSet<>();
  private TimeSource.@Nullable Timer timer;
  private long timerAt;

  KeyedWaiters(ReentrantLock lock, TimeSource time) {
    this.lock = lock;
    this.time = time;
  }

  boolean isEmpty() {
    return waiting.isEmpty();
  }

  /**
   * Waits to be woken, until this moment of {@link TimeSource#nanoTime()} at most; false when
   * interrupted, with the flag set again.
   */
  boolean await(long until) {
    Turn turn = new Turn(lock.newCondition(), until);
    waiting.add(turn);
    watch(until);
    try {
      while (waiting.contains(turn)) {
        turn.wakeUp.await();
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      waiting.remove(turn);
    }
  }

  private void watch(long until) {
    if (timer != null) {
      if (timerAt - until <= 0) {
        return;
      }
      timer.cancel();
    }
    timerAt = until;
    timer = time.schedule(Duration.ofNanos(Math.max(0, until - time.nanoTime())), this::look);
  }

  /** Wakes those whose time is up. */
  private void look() {
    lock.lock();
    try {
      timer = null;
      long now = time.nanoTime();
      Turn first = null;
      for (Iterator<Turn> each = waiting.iterator(); each.hasNext(); ) {
        Turn turn = each.next();
        if (turn.until - now <= 0) {
          each.remove();
          turn.wakeUp.signal();
        } else if (first == null || turn.until - first.until < 0) {
          first = turn;
        }
      }
      if (first != null) {
        watch(first.until);
      }
    } finally {
      lock.unlock();
    }
  }

  void wakeOne() {
    Iterator<Turn> each = waiting.iterator();
    if (each.hasNext()) {
      Turn first = each.next();
      each.remove();
      first.wakeUp.signal();
    }
  }

  /** Wakes everybody, for good: no timer is left behind. */
  void wakeAll() {
    waiting.forEach(turn -> turn.wakeUp.signal());
    waiting.clear();
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
  }
}
