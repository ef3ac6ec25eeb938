package dev.forebay.queue.worker;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
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
 * <p>How many run at once is not bounded here but by {@link Slots} at intake. Thread-safe.
 */
final class Runners {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final SlotThreads threads;
  private final Consumer<Run> body;
  private final Waiter drainer;
  private final Queue<Run> waiting = new ConcurrentLinkedQueue<>();
  private final Set<Runner> active = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean waking = new AtomicBoolean();

  /**
   * No runner yet.
   *
   * @param body does all there is to do about a run; throws nothing
   * @param drainer told when a runner has ended
   */
  Runners(SlotThreads threads, Consumer<Run> body, Waiter drainer) {
    this.threads = threads;
    this.body = body;
    this.drainer = drainer;
  }

  /**
   * Runs these soon.
   *
   * @throws RuntimeException or an error when no thread could be started, for instance for want of
   *     memory; then they may all still be waiting, and {@link #withdraw} takes them back
   */
  void dispatch(List<Run> runs) {
    waiting.addAll(runs);
    wake();
  }

  /** Takes back what has not been started. */
  List<Run> withdraw() {
    List<Run> out = new ArrayList<>();
    for (Run run = waiting.poll(); run != null; run = waiting.poll()) {
      out.add(run);
    }
    return out;
  }

  /** Everything waiting or running; weakly consistent. */
  void forEach(Consumer<Run> action) {
    for (Runner runner : active) {
      Run run = runner.current;
      if (run != null) {
        action.accept(run);
      }
    }
    waiting.forEach(action);
  }

  /** Whether every runner has ended and nothing waits. */
  boolean idle() {
    return active.isEmpty() && waiting.isEmpty();
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

    volatile @Nullable Run current;
    private boolean woken = true;

    @Override
    public void run() {
      try {
        Run next;
        while ((next = next()) != null) {
          current = next;
          body.accept(next);
          current = null;
        }
      } finally {
        active.remove(this);
        drainer.signal();
      }
    }

    private @Nullable Run next() {
      Run run = waiting.poll();
      if (woken) {
        woken = false;
        waking.set(false);
        if (run == null) {
          run = waiting.poll();
        }
      }
      if (run != null && !waiting.isEmpty()) {
        wakeAnother();
      }
      return run;
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
