package dev.forebay.queue.worker;

import java.util.function.Consumer;

/** What one thread does at a time: a run, or a batch of them. */
sealed interface Task permits Run, Batch {

  /** Every run in it. */
  void forEachRun(Consumer<Run> action);
}
