package dev.forebay.queue.kafka;

import dev.forebay.queue.testkit.contract.Ability;
import dev.forebay.queue.testkit.contract.Expected;
import dev.forebay.queue.testkit.contract.WorkQueueContract;
import dev.forebay.queue.testkit.contract.WorkQueueHarness;

/** The whole contract on share groups. */
@Expected(
    offers = {
      Ability.ENQUEUE_DELAY,
      Ability.RELEASE_DELAY,
      Ability.FREE_RETURNS,
      Ability.STRICT_EXCLUSIVITY,
      Ability.DEAD_LETTERS,
      Ability.WORKBENCH,
      Ability.LONGER_LEASES,
      Ability.SHORTER_LEASES,
      Ability.VISIBLE_DEPTH,
      Ability.IN_FLIGHT_DEPTH,
      Ability.DELAYED_DEPTH,
      Ability.RAW_RECORDS,
      Ability.OUTAGE,
      Ability.MISCONFIGURATIONS
    },
    skips = {"E5", "K1", "K2", "K3", "L2", "R2", "U1", "W7"})
class KafkaShareContractTest extends WorkQueueContract {

  @Override
  protected WorkQueueHarness harness() {
    return new KafkaShareHarness();
  }
}
