package dev.forebay.queue.kafka;

import org.slf4j.Logger;

/**
 * Logs the start and the end of a lasting trouble once each, however often it is seen in between
 * (S3). Thread-safe.
 */
final class Trouble {

  private final Logger log;
  private final String what;
  private boolean active;
  private long seen;

  /**
   * A trouble that is not there yet.
   *
   * @param what the sentence that names it, such as "Topic jobs: the broker cannot be reached"
   */
  Trouble(Logger log, String what) {
    this.log = log;
    this.what = what;
  }

  /** The trouble was seen. The stack is left out: it says nothing that the message does not. */
  synchronized void seen(Throwable error) {
    seen++;
    if (!active) {
      active = true;
      log.warn(
          "{}; working on, and silent until it ends. {}",
          what,
          KafkaErrors.unwrap(error).toString());
    }
  }

  /** All is well. */
  synchronized void over() {
    if (active) {
      active = false;
      log.info("{}: over, seen {} times.", what, seen);
      seen = 0;
    }
  }
}
