package dev.forebay.queue.worker;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands what was received to threads: no more than needed, no later than they can start.
 *
 * <p>A batch is not spread over as many threads as it has messages, since waking a thread costs far
 * more than a short handler. One runner is woken; before it starts on its first message it wakes
 * the next one if messages are still waiting, and so on, so slow handlers soon have a thread each
 * while a runner with quick ones empties the queue by itself. At most one wake is under way at a
 * time. Nothing is left waiting: a runner ends its wake before its last look at the queue, and
 * whoever adds looks at the wake after adding, so one of the two sees the other.
 *
 * <p>A runner whose run has ended and for whom nothing waits asks for the next run itself, if it
 * may: its slot then goes from one run to the next without a change of threads.
 *
 * <p>Which comes next, and how many may run at once, is the {@link Line}'s to say. Thread-safe.
 */
final class Runners {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final Line line;
  private final SlotThreads threads;
  private final Consumer<Task> body;
  private final Function<Lane, @Nullable Run> nextOf;
  private final Waiter drainer;
  private final Set<Runner> active = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean waking = new AtomicBoolean();

  /**
   * No runner yet.
   *
   * @param line what waits, and which is next
   * @param body does all there is to do about a task; throws nothing
   * @param nextOf takes the next run of a lane for a slot that is in use; null when there is none
   * @param drainer told when a runner has ended
   */
  Runners(
      Line line,
      SlotThreads threads,
      Consumer<Task> body,
      Function<Lane, @Nullable Run> nextOf,
      Waiter drainer) {
    this.line = line;
    this.threads = threads;
    this.body = body;
    this.nextOf = nextOf;
    this.drainer = drainer;
  }

  /**
   * Runs these soon.
   *
   * @throws RuntimeException or an error when no thread could be started, for instance for want of
   *     memory; then they may all still be waiting, and {@link #withdraw} takes them back
   */
  void dispatch(List<Run> runs) {
    line.add(runs);
    wake();
  }

  /** Looks whether something has become startable otherwise than by an end. */
  void lookAgain() {
    if (line.hasStartable()) {
      wake();
    }
  }

  /** Takes back what has not been started. */
  List<Run> withdraw() {
    return line.withdraw();
  }

  /** Everything waiting or running; weakly consistent. */
  void forEach(Consumer<Run> action) {
    for (Runner runner : active) {
      Task task = runner.current;
      if (task != null) {
        task.forEachRun(action);
      }
    }
    line.forEach(action);
  }

  /** Whether this is the thread of one of the runners. */
  boolean runOn(Thread candidate) {
    return active.stream().anyMatch(runner -> runner.thread == candidate);
  }

  /** Whether every runner has ended and nothing waits. */
  boolean idle() {
    return active.isEmpty() && line.isEmpty();
  }

  private void wake() {
    if (!waking.compareAndSet(false, true)) {
      return;
    }
    Runner runner = new Runner();
    active.add(runner);
    boolean started = false;
    try {
      threads.start(runner);
      started = true;
    } finally {
      if (!started) {
        active.remove(runner);
        waking.set(false);
        drainer.signal();
      }
    }
  }

  private final class Runner implements Runnable {

    volatile @Nullable Task current;
    volatile @Nullable Thread thread;
    private boolean woken = true;
    private boolean hasSlot;

    @Override
    public void run() {
      thread = Thread.currentThread();
      try {
        Task next;
        while ((next = next()) != null) {
          for (Task task = next; task != null; task = after(task)) {
            if (task instanceof Run run) {
              run.slotGoesTo(this::inherit);
            }
            current = task;
            body.accept(task);
            current = null;
            line.ended(task);
          }
        }
      } finally {
        if (woken) {
          // The line failed on its first look; the next one to add something wakes another runner.
          waking.set(false);
        }
        active.remove(this);
        drainer.signal();
      }
    }

    private void inherit() {
      hasSlot = true;
    }

    /** What its slot goes on with; null when it was given back. */
    private @Nullable Task after(Task ended) {
      if (!hasSlot || !(ended instanceof Run run)) {
        return null;
      }
      hasSlot = false;
      Run next = line.hasStartable() ? null : nextOf.apply(run.lane());
      if (next == null) {
        run.lane().slots.giveBack();
      }
      return next;
    }

    private @Nullable Task next() {
      Task task = line.poll();
      if (woken) {
        woken = false;
        waking.set(false);
        if (task == null) {
          task = line.poll();
        }
      }
      if (task != null && line.hasStartable()) {
        wakeAnother();
      }
      return task;
    }

    private void wakeAnother() {
      try {
        wake();
      } catch (RuntimeException | Error e) {
        // This runner goes on with what is waiting, only later.
        LOG.warn("No further thread could be started for the worker's slots", e);
      }
    }
  }
}
