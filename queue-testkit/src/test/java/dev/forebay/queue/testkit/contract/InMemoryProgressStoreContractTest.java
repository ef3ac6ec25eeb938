package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.progress.InMemoryProgressStore;
import dev.forebay.queue.progress.ProgressStore;
import dev.forebay.queue.time.ManualTimeSource;

/** The progress store in memory, under a clock that the kit moves. */
class InMemoryProgressStoreContractTest extends ProgressStoreContract {

  @Override
  protected ProgressStoreHarness harness() {
    ManualTimeSource clock = new ManualTimeSource();
    InMemoryProgressStore store = InMemoryProgressStore.builder().time(clock).build();
    return new ProgressStoreHarness() {
      @Override
      public ProgressStore open() {
        return store;
      }

      @Override
      public Timing timing() {
        return Timing.manual(clock);
      }
    };
  }
}
