package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.progress.ProgressStore;

/** What an implementation fills in so that {@link ProgressStoreContract} can be run on it. */
public interface ProgressStoreHarness {

  /**
   * Opens a store. A second call stands for another process with the same memory; a store that
   * lives in one process returns the same object. Keys are new for each test.
   */
  ProgressStore open();

  /** The clock the store runs by; real time unless it takes a manual time source. */
  default Timing timing() {
    return Timing.real();
  }

  /** Closes what {@link #open} opened, after the test; by default nothing. */
  default void close() {}
}
