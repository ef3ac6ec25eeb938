package dev.forebay.queue.worker;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Deliveries that a {@link Step} keeps for a while ({@link Decision#PARK}): they hold a slot each,
 * which bounds them, and their leases are extended with all others.
 *
 * <p>Thread-safe. What ends a stay may come before the stay has begun, since the step that parks
 * and whoever it waits for are different threads; it is then remembered until it begins.
 */
final class Parking {

  /** The end of a stay nobody has ended yet. */
  private static final Runnable STAYS =
      new Runnable() {
        @Override
        public void run() {}
      };

  private final Consumer<List<Run>> again;
  private final Settling settle;
  private final Map<Run, Runnable> runs = new HashMap<>();
  private boolean closed;

  /** Settles a run whose handler did not run, and frees its slot. */
  interface Settling {
    void settle(Run run, Outcome outcome, SkipReason why);
  }

  /**
   * Empty.
   *
   * @param again takes a run that is to be tried again from the start, in its slot
   * @param settle settles one that is not
   */
  Parking(Consumer<List<Run>> again, Settling settle) {
    this.again = again;
    this.settle = settle;
  }

  /** Begins the stay of a run. */
  void park(Run run) {
    @Nullable Runnable end;
    synchronized (runs) {
      if (closed) {
        runs.remove(run);
        end = () -> settle.settle(run, Outcome.giveBack(), SkipReason.CLOSING);
      } else {
        end = runs.put(run, STAYS);
        if (end != null) {
          runs.remove(run);
        }
      }
    }
    if (end != null) {
      end.run();
    }
  }

  /** Ends the stay: the run goes through all steps again. */
  void resume(Run run) {
    end(run, () -> again.accept(List.of(run)));
  }

  /** Ends the stay: the run is settled without running its handler. */
  void settle(Run run, Outcome outcome, SkipReason why) {
    end(run, () -> settle.settle(run, outcome, why));
  }

  /** Gives back all, now and in future. */
  void close() {
    List<Run> parked = new ArrayList<>();
    synchronized (runs) {
      closed = true;
      runs.forEach(
          (run, end) -> {
            if (end == STAYS) {
              parked.add(run);
            }
          });
      parked.forEach(runs::remove);
    }
    parked.forEach(run -> settle.settle(run, Outcome.giveBack(), SkipReason.CLOSING));
  }

  /** Every parked run. */
  void forEach(Consumer<Run> action) {
    List<Run> parked;
    synchronized (runs) {
      if (runs.isEmpty()) {
        return;
      }
      parked = new ArrayList<>(runs.keySet());
    }
    parked.forEach(action);
  }

  private void end(Run run, Runnable end) {
    synchronized (runs) {
      if (runs.get(run) == STAYS) {
        runs.remove(run);
      } else if (closed) {
        return;
      } else {
        runs.put(run, end);
        return;
      }
    }
    end.run();
  }
}
