package dev.forebay.queue.worker;

import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Where received runs wait for their start, and what decides which is next. Everything in it holds
 * a slot, which bounds it.
 *
 * <p>Thread-safe. {@link #ended} may make another one startable; whoever calls it looks again.
 */
interface Line {

  /** Adds runs at the end. */
  void add(List<Run> runs);

  /** Takes the next task that may start now; null when there is none. */
  @Nullable Task poll();

  /** Whether {@link #poll} would give one. */
  boolean hasStartable();

  /** A task that {@link #poll} gave has left its thread. */
  void ended(Task task);

  /** Takes out all runs. */
  List<Run> withdraw();

  /** Whether nothing waits, startable or not. */
  boolean isEmpty();

  /**
   * How many runs may be in handlers at once as things are.
   *
   * @param room how many can be by the slots alone
   */
  default int concurrency(int room) {
    return room;
  }

  /** Every waiting run; weakly consistent. */
  void forEach(Consumer<Run> action);
}
