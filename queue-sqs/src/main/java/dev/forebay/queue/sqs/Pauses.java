package dev.forebay.queue.sqs;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** How long to leave SQS alone after failures. Stateless. */
final class Pauses {

  private Pauses() {}

  /**
   * Doubles with each failure up to a cap; a random part of its upper half is taken off, so that
   * many processes do not come back at once.
   *
   * @param failures how many in a row, at least 1
   */
  static Duration after(int failures, long firstMillis, long longestMillis) {
    long cap = Math.min(longestMillis, firstMillis << Math.min(failures - 1, 20));
    return Duration.ofMillis(cap / 2 + ThreadLocalRandom.current().nextLong(cap / 2 + 1));
  }
}
