package dev.forebay.queue.worker;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.Backoff;
import dev.forebay.queue.policy.Jitter;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that polls: as many as there are free slots, no more (W1), and after errors only
 * at growing intervals (S3). While a poll waits, slots that become free are asked for by the next
 * one, which comes as soon as this one brings anything.
 */
final class Intake implements Runnable {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  /** More than this in one batch gains nothing and delays the first of it. */
  private static final int MAX_POLL = 1_024;

  /** Between polls that fail. */
  private static final Backoff AFTER_ERRORS =
      Backoff.exponential(Duration.ofMillis(100), Duration.ofSeconds(10)).jitter(Jitter.EQUAL);

  /** Between polls that bring nothing without having waited, which no queue should do for long. */
  private static final Backoff AFTER_EMPTY =
      Backoff.exponential(Duration.ofMillis(1), Duration.ofMillis(100)).jitter(Jitter.EQUAL);

  /** As many of those are nothing unusual: a poll that ended by an interrupt or a closing queue. */
  private static final int FREE_EMPTY = 3;

  private final WorkQueue queue;
  private final Duration wait;
  private final TimeSource time;
  private final Slots slots;
  private final LeaseKeeper keeper;
  private final Settler settler;
  private final Runners runners;
  private final AtomicBoolean stopping;
  private final Waiter taker;
  private final Waiter drainer;
  private final Runnable queueClosed;
  private final String name;

  private int failures;
  private int emptyInARow;
  private volatile boolean done;

  /**
   * Polls nothing yet.
   *
   * @param taker where this thread waits for a free slot
   * @param drainer told when this thread is done
   * @param queueClosed called once when the queue turns out to be closed
   */
  Intake(
      WorkQueue queue,
      Duration wait,
      TimeSource time,
      Slots slots,
      LeaseKeeper keeper,
      Settler settler,
      Runners runners,
      AtomicBoolean stopping,
      Waiter taker,
      Waiter drainer,
      Runnable queueClosed) {
    this.queue = queue;
    this.name = queue.name();
    this.wait = wait;
    this.time = time;
    this.slots = slots;
    this.keeper = keeper;
    this.settler = settler;
    this.runners = runners;
    this.stopping = stopping;
    this.taker = taker;
    this.drainer = drainer;
    this.queueClosed = queueClosed;
  }

  /** Whether the thread has taken its last delivery. */
  boolean done() {
    return done;
  }

  @Override
  public void run() {
    boolean closed = false;
    try {
      while (!stopping.get() && !closed) {
        taker.await(() -> stopping.get() || slots.free() > 0);
        if (!stopping.get()) {
          closed = !takeSome();
        }
      }
    } finally {
      done = true;
      drainer.signal();
    }
    if (closed) {
      queueClosed.run();
    }
  }

  /** Returns false when the queue is closed. */
  private boolean takeSome() {
    try {
      int free = Math.min(slots.free(), MAX_POLL);
      long asked = time.nanoTime();
      List<Delivery> taken = queue.poll(free, wait);
      recovered();
      if (taken.isEmpty()) {
        nothing(time.nanoTime() - asked);
      } else {
        emptyInARow = 0;
        accept(taken, free);
      }
    } catch (QueueException e) {
      if (e.code() == ErrorCode.CLOSED) {
        LOG.info("Queue {} is closed; its worker drains and stops", name);
        return false;
      }
      failed(e);
    } catch (RuntimeException | Error e) {
      // Errors too: a worker that has no memory for a moment must not stop polling for ever.
      failed(e);
    }
    return true;
  }

  private void accept(List<Delivery> taken, int asked) {
    if (stopping.get()) {
      taken.forEach(settler::giveBack);
      return;
    }
    Duration granted = keeper.granted(taken.get(0).leaseRemaining());
    long now = time.nanoTime();
    List<Run> runs = new ArrayList<>(taken.size());
    for (Delivery delivery : taken) {
      if (runs.size() < asked) {
        runs.add(new Run(delivery, granted, now, time));
      } else {
        // More than asked for (P1); there is no slot for it.
        settler.giveBack(delivery);
      }
    }
    slots.take(runs.size());
    dispatch(runs);
  }

  /** Hands runs that hold slots to threads; if there are none to be had, gives them back. */
  void dispatch(List<Run> runs) {
    boolean handed = false;
    try {
      runners.dispatch(runs);
      handed = true;
    } finally {
      if (!handed) {
        giveBackWaiting();
      }
    }
  }

  /** Gives back what has a slot but has not been started (S1). */
  void giveBackWaiting() {
    for (Run run : runners.withdraw()) {
      settler.giveBack(run.delivery());
      slots.giveBack();
    }
  }

  private void nothing(long waitedNanos) {
    if (waitedNanos >= wait.toNanos() / 2) {
      emptyInARow = 0;
      return;
    }
    emptyInARow++;
    if (emptyInARow > FREE_EMPTY) {
      pause(AFTER_EMPTY.delay(emptyInARow - FREE_EMPTY));
    }
  }

  private void failed(Throwable e) {
    if (stopping.get()) {
      return;
    }
    failures++;
    if (failures == 1) {
      LOG.warn("Polling queue {} failed; it is tried again with growing pauses", name, e);
    }
    pause(AFTER_ERRORS.delay(failures, name));
  }

  private void recovered() {
    if (failures > 0) {
      LOG.info("Polling queue {} works again after {} failed attempts", name, failures);
      failures = 0;
    }
  }

  private void pause(Duration length) {
    boolean unused = taker.await(stopping::get, length, time);
  }
}
