package dev.forebay.queue.loadtest.model;

import dev.forebay.queue.loadtest.trace.Request;
import dev.forebay.queue.loadtest.trace.Trace;
import java.time.Duration;
import java.util.Comparator;
import java.util.PriorityQueue;

/**
 * What a queue without any cost of its own would make of a trace: first in, first out, and a
 * message is handled the moment it has arrived and a slot is free. The distance of a real queue to
 * this one is what that queue costs.
 *
 * <p>A message takes the slot that has been free for longest. That is work-conserving: under a
 * backlog it is the slot that comes free next, whatever its speed; and without a backlog it does
 * not pick the fast hardware, which no queue could know of. A failed attempt gives up its slot and
 * queues up again, behind all who came before, when its backoff is over.
 */
public final class IdealQueue {
  private IdealQueue() {}

  private record Slot(long freeAt, int index, SpeedClass speed) {}

  private record Waiting(long since, int request, int attempt) {}

  /** Simulates the whole trace, in the replay's time. */
  public static Timeline simulate(Trace trace, SpeedUp speedUp, Slots slots, Failures failures) {
    PriorityQueue<Slot> free =
        new PriorityQueue<>(Comparator.comparingLong(Slot::freeAt).thenComparingInt(Slot::index));
    SpeedClass[] classes = slots.classes();
    for (int i = 0; i < classes.length; i++) {
      free.add(new Slot(0, i, classes[i]));
    }
    PriorityQueue<Waiting> waiting =
        new PriorityQueue<>(
            Comparator.comparingLong(Waiting::since).thenComparingInt(Waiting::request));
    Timeline.Builder timeline = Timeline.builder(trace, speedUp, slots);
    long backoff = speedUp.scale(failures.backoff()).toNanos();
    int arrived = 0;
    while (arrived < trace.size() || !waiting.isEmpty()) {
      // A retry is known before anything that arrives after it is looked at, because it comes from
      // an attempt that started earlier. So the earliest of the two sources is the queue's head.
      Waiting head = waiting.peek();
      if (arrived < trace.size()
          && (head == null || timeline.arrivalNanos(arrived) <= head.since())) {
        head = new Waiting(timeline.arrivalNanos(arrived), arrived, 1);
        arrived++;
      } else {
        head = waiting.remove();
      }
      Slot slot = free.remove();
      Request request = trace.requests().get(head.request());
      Duration service = speedUp.scale(ServiceTime.of(request, slot.speed()));
      boolean fails =
          failures.fails(head.request(), head.attempt())
              || failures.hangs(head.request(), head.attempt());
      long start = Math.max(head.since(), slot.freeAt());
      long end = start + failures.lasts(head.request(), head.attempt(), service).toNanos();
      timeline.attempt(head.request(), start, end, !fails);
      free.add(new Slot(end, slot.index(), slot.speed()));
      if (fails) {
        waiting.add(new Waiting(end + backoff, head.request(), head.attempt() + 1));
      }
    }
    return timeline.build();
  }
}
