package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.dedup.DedupStore;
import dev.forebay.queue.dedup.InMemoryDedupStore;
import dev.forebay.queue.time.ManualTimeSource;

/** The dedup store in memory, under a clock that the kit moves. */
class InMemoryDedupStoreContractTest extends DedupStoreContract {

  @Override
  protected DedupStoreHarness harness() {
    ManualTimeSource clock = new ManualTimeSource();
    InMemoryDedupStore store = InMemoryDedupStore.builder().time(clock).build();
    return new DedupStoreHarness() {
      @Override
      public DedupStore open() {
        return store;
      }

      @Override
      public Timing timing() {
        return Timing.manual(clock);
      }
    };
  }
}
