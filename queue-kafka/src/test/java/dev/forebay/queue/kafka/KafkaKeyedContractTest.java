package dev.forebay.queue.kafka;

import dev.forebay.queue.testkit.contract.Ability;
import dev.forebay.queue.testkit.contract.Expected;
import dev.forebay.queue.testkit.contract.WorkQueueContract;
import dev.forebay.queue.testkit.contract.WorkQueueHarness;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The whole contract on consumer groups; with {@code -Dforebay.kafka.nodes=3
 * -Dforebay.kafka.stop=N} while nodes are stopped.
 */
@ExtendWith(NodeStops.class)
@Expected(
    offers = {
      Ability.ENQUEUE_DELAY,
      Ability.RELEASE_DELAY,
      Ability.KEY_ORDER,
      Ability.RELAXED_KEYS,
      Ability.FREE_RETURNS,
      Ability.STRICT_EXCLUSIVITY,
      Ability.STRICT_FENCING,
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
    skips = {"E5", "L2", "R2", "U1", "W7"})
class KafkaKeyedContractTest extends WorkQueueContract {

  @Override
  protected WorkQueueHarness harness() {
    return new KafkaKeyedHarness();
  }
}
