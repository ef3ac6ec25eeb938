package dev.forebay.queue.benchmarks;

import java.util.ArrayList;
import java.util.List;

/**
 * A unit of pretended work, as it travels in a message body.
 *
 * @param id from 0, unique in a run
 * @param millis how long its handler takes
 */
record Job(int id, long millis) {

  /** Makes a body about as long as a small request's. */
  private static final String FILLER = "x".repeat(100);

  /** The job that {@link #body()} wrote. */
  static Job parse(String body) {
    String[] parts = body.split(" ", 3);
    return new Job(Integer.parseInt(parts[0]), Long.parseLong(parts[1]));
  }

  String body() {
    return id + " " + millis + " " + FILLER;
  }

  /** So many jobs of this length. */
  static List<Job> same(int count, long millis) {
    return every(count, millis, Integer.MAX_VALUE, 0);
  }

  /** So many jobs of {@code millis}, of which every {@code nth} takes {@code slowMillis}. */
  static List<Job> every(int count, long millis, int nth, long slowMillis) {
    List<Job> jobs = new ArrayList<>(count);
    for (int id = 0; id < count; id++) {
      jobs.add(new Job(id, (id + 1) % nth == 0 ? slowMillis : millis));
    }
    return jobs;
  }
}
