package dev.forebay.queue.worker;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.Backoff;
import dev.forebay.queue.policy.Jitter;
import dev.forebay.queue.spi.ReadyQueue;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that polls a lane's queue: as many as there are free slots, no more (W1), nothing
 * while a gate is closed (W6), and after errors only at growing intervals (S3). While a poll waits,
 * slots that become free are asked for by the next one, which comes as soon as this one brings
 * anything.
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

  private final Lane lane;
  private final WorkQueue queue;
  private final Duration wait;
  private final TimeSource time;
  private final Slots slots;
  private final Gates gates;
  private final IntSupplier ceiling;
  private final Signals signals;
  private final Consumer<List<Run>> dispatch;
  private final Stopping stopping;
  private final Waiter drainer;
  private final Runnable queueClosed;
  private final Runnable wakeUp;
  private final String name;
  private final @Nullable ReadyQueue ready;

  private int failures;
  private int emptyInARow;
  private volatile boolean done;

  /**
   * Polls nothing yet.
   *
   * @param ceiling how many deliveries may be held at most now, whatever the slots
   * @param dispatch takes runs that hold slots
   * @param drainer told when this thread is done
   * @param queueClosed called once when the queue turns out to be closed
   */
  Intake(
      Lane lane,
      Duration wait,
      TimeSource time,
      Gates gates,
      IntSupplier ceiling,
      Signals signals,
      Consumer<List<Run>> dispatch,
      Stopping stopping,
      Waiter drainer,
      Runnable queueClosed) {
    this.lane = lane;
    this.queue = lane.queue;
    this.name = queue.name();
    this.ready = queue instanceof ReadyQueue has ? has : null;
    this.wait = wait;
    this.time = time;
    this.slots = lane.slots;
    this.gates = gates;
    this.ceiling = ceiling;
    this.signals = signals;
    this.dispatch = dispatch;
    this.stopping = stopping;
    this.drainer = drainer;
    this.queueClosed = queueClosed;
    this.wakeUp = lane.taker::signal;
    gates.onChange(wakeUp);
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
        closed = !round();
      }
    } finally {
      gates.forget(wakeUp);
      done = true;
      drainer.signal();
    }
    if (closed) {
      queueClosed.run();
    }
  }

  private int free() {
    return Math.min(slots.free(), ceiling.getAsInt() - slots.used());
  }

  private void awaitGates() {
    boolean stopped = false;
    while (!stopping.get() && gates.room() == 0) {
      // It may have been waiting for its rate first, and be closed meanwhile.
      if (!stopped && !gates.open() && signals.heard()) {
        stopped = true;
        signals.tell(WorkerListener::intakeStopped);
      }
      // A gate that is not heard of has to be looked at again.
      boolean unused =
          lane.taker.await(() -> stopping.get() || gates.room() > 0, gates.lookAgainAfter(), time);
    }
    if (stopped) {
      signals.tell(WorkerListener::intakeResumed);
    }
  }

  /** Returns false when the queue is closed. */
  private boolean round() {
    try {
      lane.taker.await(() -> stopping.get() || free() > 0);
      awaitGates();
      if (!stopping.get()) {
        takeSome();
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

  private void takeSome() {
    int free = Math.min(Math.min(free(), gates.room()), MAX_POLL);
    if (free <= 0) {
      return;
    }
    long asked = time.nanoTime();
    List<Delivery> taken = queue.poll(free, wait);
    recovered();
    if (taken.isEmpty()) {
      nothing(time.nanoTime() - asked);
    } else {
      emptyInARow = 0;
      accept(taken, free);
    }
  }

  private void accept(List<Delivery> taken, int asked) {
    if (stopping.get()) {
      taken.forEach(lane.settler::giveBack);
      return;
    }
    Duration granted = lane.keeper.granted(taken.get(0).leaseRemaining());
    long nanos = time.nanoTime();
    Instant now = time.now();
    List<Run> runs = new ArrayList<>(taken.size());
    for (Delivery delivery : taken) {
      if (runs.size() < asked) {
        runs.add(received(delivery, granted, nanos, now));
      } else {
        // More than asked for (P1); there is no slot for it.
        lane.settler.giveBack(delivery);
      }
    }
    slots.take(runs.size());
    gates.took(runs.size());
    dispatch.accept(runs);
  }

  private Run received(Delivery delivery, Duration granted, long nanos, Instant now) {
    Run run = new Run(lane, delivery, granted, nanos, time);
    run.receivedAtAge(nanosBetween(delivery.enqueuedAt(), now));
    if (signals.heard()) {
      signals.tell(listener -> listener.received(delivery));
    }
    return run;
  }

  /**
   * Takes the next delivery for a slot that is in use and done with its last one, if the queue has
   * one at hand. For the thread of that slot; only where the slots are all that bounds what runs.
   *
   * @return null when there is none; then the slot is to be given back
   */
  @Nullable Run next() {
    if (ready == null || stopping.get() || !slots.mayPassOn() || gates.room() <= 0) {
      return null;
    }
    try {
      List<Delivery> taken = ready.pollReady(1);
      if (taken.isEmpty()) {
        return null;
      }
      gates.took(1);
      return received(taken.get(0), lane.keeper.granted(), time.nanoTime(), time.now());
    } catch (RuntimeException | Error e) {
      // What lasts is seen by the next poll, too, which knows what to do about it.
      LOG.debug("Queue {}: a slot could not take its next message by itself", name, e);
      return null;
    }
  }

  private static long nanosBetween(Instant from, Instant to) {
    return (to.getEpochSecond() - from.getEpochSecond()) * 1_000_000_000L
        + (to.getNano() - from.getNano());
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
    boolean unused = lane.taker.await(stopping::get, length, time);
  }
}
