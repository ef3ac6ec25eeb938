package dev.forebay.queue.testkit.contract;

/** The whole contract on the in-memory queue in real time, many tests at once. */
class MemoryRealTimeContractTest extends WorkQueueContract {

  @Override
  protected WorkQueueHarness harness() {
    return MemoryHarness.real();
  }
}
