package dev.forebay.queue.sqs;

import dev.forebay.queue.testkit.contract.Ability;
import dev.forebay.queue.testkit.contract.Expected;
import dev.forebay.queue.testkit.contract.WorkQueueContract;
import dev.forebay.queue.testkit.contract.WorkQueueHarness;

/** The whole contract on a FIFO queue. */
@Expected(
    offers = {
      Ability.RELEASE_DELAY,
      Ability.DEDUP,
      Ability.KEY_ORDER,
      Ability.FREE_RETURNS,
      Ability.STRICT_EXCLUSIVITY,
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
    skips = {"E4", "K2", "P3", "R2", "R4", "W7"})
class SqsFifoContractTest extends WorkQueueContract {

  @Override
  protected WorkQueueHarness harness() {
    return SqsHarness.shared(true);
  }
}
