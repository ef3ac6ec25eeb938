package dev.forebay.queue.worker;

import dev.forebay.queue.Capabilities;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.time.TimeSource;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One queue of a worker, and what belongs to it alone: how much of it may be held, how its leases
 * are kept, how its deliveries are settled. Most workers have one. Thread-safe.
 */
final class Lane {

  /** Settlements that may be under way beside the slots, before intake waits for them. */
  private static final int SETTLEMENT_ROOM = 1_000;

  final int number;
  final WorkQueue queue;
  final Capabilities can;
  final Waiter taker = new Waiter();
  final Slots slots;
  final LeaseKeeper keeper;
  final Settler settler;
  final Stopping stopping;
  final @Nullable ProgressKeeper progress;

  /**
   * A queue of which nothing is held.
   *
   * @param room how many of its deliveries may be held at once
   * @param runs passes every run of the worker to an action
   */
  Lane(
      int number,
      WorkQueue queue,
      int room,
      LeasePolicy leases,
      HandlerTimes times,
      Settler.Rules rules,
      TimeSource time,
      Waiter drainer,
      Consumer<Consumer<Run>> runs) {
    this.number = number;
    this.queue = queue;
    this.can = queue.capabilities();
    this.stopping = rules.stopping();
    this.progress = rules.progress();
    this.slots = new Slots(room, room + SETTLEMENT_ROOM, taker, drainer, rules.activity());
    this.settler = new Settler(queue, rules, slots);
    this.keeper =
        new LeaseKeeper(
            queue,
            leases,
            times,
            time,
            rules.counters(),
            rules.signals(),
            action ->
                runs.accept(
                    run -> {
                      if (run.lane() == this) {
                        action.accept(run);
                      }
                    }));
  }
}
