package dev.forebay.queue.worker;

import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Holds back what was received before a gate closed (W6): given back untried where that burns no
 * attempt, so that workers whose gates are open may have it; else kept until the gate opens, in its
 * slot and with its lease extended. Thread-safe.
 */
final class GateStep implements Step {

  private final Gates gates;
  private final Parking parking;
  private final TimeSource time;
  private final Queue<Run> kept = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean looking = new AtomicBoolean();
  private final Runnable onChange = this::look;

  GateStep(Gates gates, Parking parking, TimeSource time) {
    this.gates = gates;
    this.parking = parking;
    this.time = time;
    gates.onChange(onChange);
  }

  @Override
  public Decision before(Run run) {
    if (gates.open()) {
      return Decision.GO;
    }
    if (run.lane().can.returnsWithoutAttempt()) {
      return Decision.settle(Outcome.giveBack(), SkipReason.GATE_CLOSED);
    }
    kept.add(run);
    // It may have opened before the run was in sight of whoever opened it.
    look();
    return Decision.PARK;
  }

  @Override
  public void close() {
    // A gate may stand before other workers and live on.
    gates.forget(onChange);
    kept.clear();
  }

  private void look() {
    if (kept.isEmpty()) {
      return;
    }
    if (gates.open()) {
      for (Run run = kept.poll(); run != null; run = kept.poll()) {
        parking.resume(run);
      }
      return;
    }
    Duration after = gates.lookAgainAfter();
    if (after.compareTo(Gate.FOR_EVER) < 0 && looking.compareAndSet(false, true)) {
      TimeSource.Timer unused =
          time.schedule(
              after,
              () -> {
                looking.set(false);
                look();
              });
    }
  }
}
