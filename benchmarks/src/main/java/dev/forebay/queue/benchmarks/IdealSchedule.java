package dev.forebay.queue.benchmarks;

import java.util.List;
import java.util.PriorityQueue;
import java.util.function.Predicate;

/**
 * What no queue can beat: list scheduling, in which each job starts in queue order on the slot that
 * is free first, and handing out costs nothing.
 */
final class IdealSchedule {

  private IdealSchedule() {}

  /** When the last of these jobs is finished on so many slots, in seconds. */
  static double seconds(List<Job> jobs, int slots) {
    return seconds(jobs, slots, job -> true);
  }

  /** When the last of the jobs that {@code which} selects is finished, with all of them running. */
  static double seconds(List<Job> jobs, int slots, Predicate<Job> which) {
    PriorityQueue<Long> freeAt = new PriorityQueue<>();
    for (int slot = 0; slot < slots; slot++) {
      freeAt.add(0L);
    }
    long last = 0;
    for (Job job : jobs) {
      long end = freeAt.remove() + job.millis();
      freeAt.add(end);
      if (which.test(job)) {
        last = Math.max(last, end);
      }
    }
    return last / 1000.0;
  }
}
