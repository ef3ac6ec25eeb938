package dev.forebay.queue.worker;

/** What a {@link Step} says about a delivery whose handler has not run. */
sealed interface Decision {

  /** As far as this step is concerned the handler may run. */
  Decision GO = new Go();

  /**
   * The step keeps the delivery for now. It holds its slot and its lease is kept; the step ends
   * that by exactly one call to {@link Parking#resume} or {@link Parking#settle}, which may come at
   * any time after {@link Step#before} was entered, even before it has returned. A closing worker
   * gives back what is still parked; then those calls do nothing.
   */
  Decision PARK = new Park();

  /** See {@link #GO}. */
  record Go() implements Decision {}

  /** See {@link #PARK}. */
  record Park() implements Decision {}

  /**
   * The handler does not run and the delivery is settled so. That counts neither as handled nor as
   * failed.
   */
  record Settle(Outcome outcome, SkipReason why) implements Decision {}

  /** Settles without running the handler. */
  static Decision settle(Outcome outcome, SkipReason why) {
    return new Settle(outcome, why);
  }
}
