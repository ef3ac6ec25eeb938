package dev.forebay.queue.examples;

import static dev.forebay.queue.testkit.contract.Ability.DELAYED_DEPTH;
import static dev.forebay.queue.testkit.contract.Ability.EXACT_ATTEMPTS;
import static dev.forebay.queue.testkit.contract.Ability.FREE_RETURNS;
import static dev.forebay.queue.testkit.contract.Ability.IN_FLIGHT_DEPTH;
import static dev.forebay.queue.testkit.contract.Ability.LONGER_LEASES;
import static dev.forebay.queue.testkit.contract.Ability.SHORTER_LEASES;
import static dev.forebay.queue.testkit.contract.Ability.STRICT_EXCLUSIVITY;
import static dev.forebay.queue.testkit.contract.Ability.STRICT_FENCING;
import static dev.forebay.queue.testkit.contract.Ability.VISIBLE_DEPTH;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.testkit.contract.Expected;
import dev.forebay.queue.testkit.contract.QueueSettings;
import dev.forebay.queue.testkit.contract.WorkQueueContract;
import dev.forebay.queue.testkit.contract.WorkQueueHarness;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The backend of one's own proves itself: this is all it takes. */
@Expected(
    offers = {
      FREE_RETURNS,
      EXACT_ATTEMPTS,
      STRICT_EXCLUSIVITY,
      STRICT_FENCING,
      LONGER_LEASES,
      SHORTER_LEASES,
      VISIBLE_DEPTH,
      IN_FLIGHT_DEPTH,
      DELAYED_DEPTH
    },
    skips = {
      "D1", "D2", "D3", "E4", "E5", "K1", "K2", "K3", "L2", "P3", "P5", "R1", "R4", "R5", "S2",
      "S3", "S4", "U1", "W5", "W7"
    })
class ListWorkQueueContractTest extends WorkQueueContract {

  private static final Map<String, ListWorkQueue.Broker> BROKERS = new ConcurrentHashMap<>();

  @Override
  protected WorkQueueHarness harness() {
    return new WorkQueueHarness() {
      @Override
      public WorkQueue open(String name, QueueSettings settings) {
        ListWorkQueue.Broker broker =
            BROKERS.computeIfAbsent(name, missing -> new ListWorkQueue.Broker());
        return new ListWorkQueue(broker, settings.lease(), settings.grace());
      }

      @Override
      public WorkQueue openDeadLetters(String name, QueueSettings settings) {
        throw new IllegalStateException("A list queue declares that it has no dead letters.");
      }

      @Override
      public void delete(String name) {
        BROKERS.remove(name);
      }
    };
  }
}
