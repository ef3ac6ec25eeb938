package dev.forebay.queue.testkit.contract;

/** The whole contract on the in-memory queue in real time, many tests at once. */
@Expected(
    offers = {
      Ability.ENQUEUE_DELAY,
      Ability.RELEASE_DELAY,
      Ability.DEDUP,
      Ability.KEY_ORDER,
      Ability.RELAXED_KEYS,
      Ability.FREE_RETURNS,
      Ability.EXACT_ATTEMPTS,
      Ability.STRICT_EXCLUSIVITY,
      Ability.STRICT_FENCING,
      Ability.DEAD_LETTERS,
      Ability.WORKBENCH,
      Ability.LONGER_LEASES,
      Ability.SHORTER_LEASES,
      Ability.VISIBLE_DEPTH,
      Ability.IN_FLIGHT_DEPTH,
      Ability.DELAYED_DEPTH,
      Ability.OLDEST_AGE,
      Ability.CRASH,
      Ability.MISCONFIGURATIONS
    },
    skips = {"E5", "P5", "S3"})
class MemoryRealTimeContractTest extends WorkQueueContract {

  @Override
  protected WorkQueueHarness harness() {
    return MemoryHarness.real();
  }
}
