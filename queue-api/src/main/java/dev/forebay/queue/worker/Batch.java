package dev.forebay.queue.worker;

import java.util.List;
import java.util.function.Consumer;

/** Runs that are handled together. Immutable. */
record Batch(List<Run> runs) implements Task {

  Batch {
    runs = List.copyOf(runs);
  }

  @Override
  public void forEachRun(Consumer<Run> action) {
    runs.forEach(action);
  }
}
