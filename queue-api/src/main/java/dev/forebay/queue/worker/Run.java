package dev.forebay.queue.worker;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.LeaseLostException;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One delivery on its way through the worker; what its handler sees of it is the {@link
 * RunContext}.
 *
 * <p>The delicate thing is to interrupt a handler from another thread: its thread goes on to other
 * messages, which must never feel an interrupt meant for this one. So an interrupt is sent under
 * the lock and only while the handler runs, and {@link #end} leaves that stage under the same lock
 * before it clears the thread's flag: whatever was sent is cleared, and nothing is sent after.
 *
 * <p>Thread-safe.
 */
final class Run extends StepNotes implements Task {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private enum Stage {
    WAITING,
    RUNNING,
    ENDED
  }

  private final long receivedNanos;
  // Not this: handlers hold the context and might synchronise on it.
  private final Object lock = new Object();

  // Written under the lock.
  private volatile Stage stage = Stage.WAITING;
  private @Nullable Thread thread;
  private @Nullable Runnable whenLost;
  private volatile long startedNanos;
  private volatile boolean lost;
  private volatile boolean cutShort;
  private volatile boolean extending;
  private volatile boolean unextendable;
  private volatile boolean extendedToStart;
  private volatile Duration lease;

  /** The batch call it is in, which is interrupted in its place. */
  private volatile @Nullable BatchCall call;

  /** Told when the worker begins to drain; guarded by the lock. */
  private List<Runnable> drainListeners = List.of();

  // Only touched by the thread that has the run in its hands.
  private @Nullable Runnable slotHeir;
  private long spentNanos;
  private long ageNanos;
  private int besides;
  // Written before it joins a line, whose lock publishes it.
  private int cost = 1;

  /**
   * A delivery just received.
   *
   * @param lane where it came from; null only in tests that have no worker
   * @param lease what a lease of the queue is when granted
   * @param receivedNanos when it was received, on {@link TimeSource#nanoTime()}
   */
  Run(@Nullable Lane lane, Delivery delivery, Duration lease, long receivedNanos, TimeSource time) {
    super(lane, delivery, time);
    this.receivedNanos = receivedNanos;
    this.lease = lease;
  }

  /**
   * The handler starts on the calling thread.
   *
   * @return false when the run was lost or cut short before: then it must not start
   */
  boolean begin() {
    return begin(true);
  }

  /**
   * The handler starts on the calling thread.
   *
   * @param alone whether it runs for this run alone, so that what interrupts the run interrupts the
   *     thread; else that is for the {@link BatchCall}s it is in
   * @return false when the run was lost or cut short before: then it must not start
   */
  boolean begin(boolean alone) {
    synchronized (lock) {
      if (stage != Stage.WAITING) {
        return false;
      }
      thread = alone ? Thread.currentThread() : null;
      startedNanos = time.nanoTime();
      stage = Stage.RUNNING;
      return true;
    }
  }

  /** From now on it is in this call of a batch handler. */
  void isIn(BatchCall batchCall) {
    call = batchCall;
  }

  /**
   * The handler has ended; called on its thread, which is free of interrupts meant for this run
   * afterwards.
   *
   * @return nanoseconds it ran
   */
  long end() {
    boolean alone;
    synchronized (lock) {
      stage = Stage.ENDED;
      alone = thread != null;
      thread = null;
      whenLost = null;
      drainListeners = List.of();
    }
    if (alone) {
      boolean unused = Thread.interrupted();
    }
    spentNanos = time.nanoTime() - startedNanos;
    return spentNanos;
  }

  /**
   * It is over without its handler having run, and about to be settled.
   *
   * @return false when its lease is known to be lost: that was counted and told then, and there is
   *     nothing to settle
   */
  boolean leave() {
    synchronized (lock) {
      stage = Stage.ENDED;
      return !lost;
    }
  }

  /**
   * The lease is lost: the handler is interrupted, or does not start at all (W2).
   *
   * @return true the first time, unless the handler has ended
   */
  boolean lose() {
    Runnable listener;
    synchronized (lock) {
      if (stage == Stage.ENDED || lost) {
        return false;
      }
      lost = true;
      interrupt();
      listener = whenLost;
      whenLost = null;
    }
    tellCall();
    if (listener != null) {
      listener.run();
    }
    return true;
  }

  /**
   * Runs this once when the lease is found to be lost, at once if it was; not when the handler has
   * ended before. The last one set counts. It must not block.
   */
  void whenLost(Runnable listener) {
    synchronized (lock) {
      if (!lost) {
        whenLost = listener;
        return;
      }
    }
    listener.run();
  }

  /** The grace time is over: the handler is interrupted, or does not start at all (S1). */
  void cutShort() {
    synchronized (lock) {
      if (stage == Stage.ENDED) {
        return;
      }
      cutShort = true;
      interrupt();
    }
    tellCall();
  }

  private void interrupt() {
    if (stage == Stage.WAITING) {
      stage = Stage.ENDED;
    } else if (thread != null) {
      thread.interrupt();
    }
  }

  private void tellCall() {
    BatchCall in = call;
    if (in != null) {
      in.look();
    }
  }

  /** The worker begins to drain: whoever wanted to know is told. */
  void tellDrain() {
    List<Runnable> told;
    synchronized (lock) {
      told = drainListeners;
      drainListeners = List.of();
    }
    for (Runnable listener : told) {
      try {
        listener.run();
      } catch (RuntimeException | Error e) {
        LOG.warn("What {} wanted to do about the draining of its worker failed", this, e);
      }
    }
  }

  /** Whether the worker knows that the lease is lost; {@link #isLeaseLost} looks for itself. */
  boolean knownLost() {
    return lost;
  }

  boolean wasCutShort() {
    return cutShort;
  }

  /** Nanoseconds the handler has been running; zero before and after. */
  long runningNanos() {
    return stage == Stage.RUNNING ? time.nanoTime() - startedNanos : 0;
  }

  /** The message's type; empty where it has none. */
  String type() {
    return delivery.message().type().orElse("");
  }

  /** Nanoseconds the handler ran, once it has ended; for the steps that are told the end. */
  long spentNanos() {
    return spentNanos;
  }

  /** Who gets the slot that it holds when it is done with; called by the thread that runs it. */
  void slotGoesTo(Runnable heir) {
    slotHeir = heir;
  }

  /** It needs its slot no more. */
  void freeSlot() {
    Runnable heir = slotHeir;
    if (heir == null) {
      lane().slots.giveBack();
    } else {
      heir.run();
    }
  }

  /** How old the message was when received, for {@link #ageNanos()}. */
  void receivedAtAge(long nanos) {
    ageNanos = nanos;
  }

  /** Nanoseconds from the message's first enqueue to the start of the handler. */
  long ageNanos() {
    return ageNanos + waitedNanos();
  }

  /** Nanoseconds from the receipt to the start of the handler. */
  long waitedNanos() {
    return startedNanos - receivedNanos;
  }

  /** How many handlers ran when this one started, itself included. */
  int besides() {
    return besides;
  }

  void startedBeside(int count) {
    besides = count;
  }

  /** How many permits it needs to run. */
  int cost() {
    return cost;
  }

  void cost(int permits) {
    cost = permits;
  }

  @Override
  public void forEachRun(Consumer<Run> action) {
    action.accept(this);
  }

  /** Nanoseconds since it was received. */
  long heldNanos() {
    return time.nanoTime() - receivedNanos;
  }

  /** What the lease was when granted or last extended. */
  Duration lease() {
    return lease;
  }

  /** An extension is asked for; only one at a time, by the heartbeat or before the start. */
  void extensionBegins() {
    extending = true;
  }

  /** An extension has ended. */
  void extensionEnds() {
    extending = false;
  }

  /** An extension to this lease was confirmed. */
  void extended(Duration newLease) {
    lease = newLease;
  }

  /** No further extension: the run time is used up, or the handler settled by itself. */
  void stopExtending() {
    unextendable = true;
  }

  /** Whether the heartbeat has to care for the lease. */
  boolean wantsExtension() {
    return stage != Stage.ENDED && !extending && !unextendable && !lost;
  }

  /** Whether the lease was extended just to start; a second time would not help. */
  boolean extendedToStart() {
    return extendedToStart;
  }

  void markExtendedToStart() {
    extendedToStart = true;
  }

  @Override
  public void onDrain(Runnable listener) {
    synchronized (lock) {
      if (stage == Stage.ENDED) {
        return;
      }
      // Asked under the lock: it drains already, or tellDrain is still to come for the lock.
      if (!isDraining()) {
        if (drainListeners.isEmpty()) {
          drainListeners = new ArrayList<>(1);
        }
        drainListeners.add(listener);
        return;
      }
    }
    listener.run();
  }

  @Override
  public boolean isLeaseLost() {
    return lost || delivery.isLost();
  }

  @Override
  public void checkLease() {
    if (isLeaseLost()) {
      throw new LeaseLostException(delivery.id());
    }
  }

  @Override
  public String toString() {
    return "Run[" + delivery + "]";
  }
}
