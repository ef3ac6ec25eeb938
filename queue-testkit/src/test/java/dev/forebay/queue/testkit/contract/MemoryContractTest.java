package dev.forebay.queue.testkit.contract;

/** The whole contract on the in-memory queue, under a clock that the kit moves. */
class MemoryContractTest extends WorkQueueContract {

  @Override
  protected WorkQueueHarness harness() {
    return MemoryHarness.manual();
  }
}
