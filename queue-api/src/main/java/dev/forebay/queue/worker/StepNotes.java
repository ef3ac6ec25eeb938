package dev.forebay.queue.worker;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.dedup.ClaimOutcome;
import dev.forebay.queue.time.TimeSource;
import org.jspecify.annotations.Nullable;

/**
 * What the {@link Step}s note on a run between their calls. Not thread-safe: only for the thread
 * that has the run in its hands.
 */
abstract class StepNotes extends RunContext {

  private @Nullable Flight flight;
  private @Nullable Flight announced;
  private boolean letStart;
  private long letStartNanos;
  private boolean undivertable;
  private ClaimOutcome.@Nullable Finished twinsEnd;
  private long skippedSteps;

  StepNotes(@Nullable Lane lane, Delivery delivery, TimeSource time) {
    super(lane, delivery, time);
  }

  /** The step of this number failed on this run and is not told its end. */
  void skipStep(int number) {
    skippedSteps |= 1L << number;
  }

  boolean skipsStep(int number) {
    return (skippedSteps & 1L << number) != 0;
  }

  void skipNoStep() {
    skippedSteps = 0;
  }

  /** The work this run does for all its equals; the dedup step's own. */
  void flight(Flight leads) {
    flight = leads;
  }

  @Nullable Flight takeFlight() {
    Flight taken = flight;
    flight = null;
    return taken;
  }

  /** The work whose claim was asked for before this run is; the dedup step's own. */
  void announced(Flight begun) {
    announced = begun;
  }

  @Nullable Flight takeAnnounced() {
    Flight taken = announced;
    announced = null;
    return taken;
  }

  /** The breaker of its type has let it start; the breaker step's own. */
  void letStart() {
    letStart = true;
    letStartNanos = time.nanoTime();
  }

  /** Nanoseconds since its breaker let it start; negative when it was not asked. */
  long nanosSinceLetStart() {
    return letStart ? time.nanoTime() - letStartNanos : -1;
  }

  /** That start has had its end. */
  void letStartEnds() {
    letStart = false;
  }

  /** The slow lane can never take it; the breaker step's own. */
  void markUndivertable() {
    undivertable = true;
  }

  boolean isUndivertable() {
    return undivertable;
  }

  /** An equal run is done; the dedup step's own. */
  void twinIsDone(ClaimOutcome.Finished end) {
    twinsEnd = end;
  }

  /** Whether an equal run is done. */
  boolean hasTwinsEnd() {
    return twinsEnd != null;
  }

  /** How an equal run ended; null while none has. */
  ClaimOutcome.@Nullable Finished takeTwinsEnd() {
    ClaimOutcome.Finished taken = twinsEnd;
    twinsEnd = null;
    return taken;
  }
}
