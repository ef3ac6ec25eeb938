package dev.forebay.queue.sqs;

import dev.forebay.queue.testkit.contract.Ability;
import dev.forebay.queue.testkit.contract.Expected;
import dev.forebay.queue.testkit.contract.WorkQueueContract;
import dev.forebay.queue.testkit.contract.WorkQueueHarness;

/** The whole contract on a standard queue. */
@Expected(
    offers = {
      Ability.ENQUEUE_DELAY,
      Ability.RELEASE_DELAY,
      Ability.FREE_RETURNS,
      Ability.DEAD_LETTERS,
      Ability.WORKBENCH,
      Ability.LONGER_LEASES,
      Ability.SHORTER_LEASES,
      Ability.VISIBLE_DEPTH,
      Ability.IN_FLIGHT_DEPTH,
      Ability.DELAYED_DEPTH,
      Ability.CRASH,
      Ability.RAW_RECORDS,
      Ability.OUTAGE,
      Ability.MISCONFIGURATIONS,
      Ability.REQUEST_COUNT
    },
    skips = {"K1", "K2", "K3", "R2", "U1", "W7"})
class SqsContractTest extends WorkQueueContract {

  @Override
  protected WorkQueueHarness harness() {
    return SqsHarness.shared(false);
  }
}
