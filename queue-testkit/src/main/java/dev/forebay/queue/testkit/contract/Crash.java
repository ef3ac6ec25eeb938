package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.WorkQueue;

/** Makes a queue object behave like that of a process that died. */
@FunctionalInterface
public interface Crash {

  /**
   * Cuts the object off from its broker at once: nothing is flushed, settled or given back. Frees
   * what the test's own process would otherwise leak.
   */
  void kill(WorkQueue queue);
}
