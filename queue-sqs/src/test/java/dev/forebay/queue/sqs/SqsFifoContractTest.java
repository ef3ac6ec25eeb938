package dev.forebay.queue.sqs;

import dev.forebay.queue.testkit.contract.WorkQueueContract;
import dev.forebay.queue.testkit.contract.WorkQueueHarness;
import dev.forebay.queue.testkit.server.EmbeddedSqs;

/** The whole contract on a FIFO queue. */
class SqsFifoContractTest extends WorkQueueContract {

  @Override
  protected WorkQueueHarness harness() {
    return new SqsHarness(EmbeddedSqs.shared(), true);
  }
}
