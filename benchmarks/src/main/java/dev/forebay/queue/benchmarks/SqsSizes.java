package dev.forebay.queue.benchmarks;

import java.time.Duration;

/**
 * How large the SQS scenarios are.
 *
 * @param slots handlers at once, but in the full-load scenario
 * @param warmUp messages without work that come before everything else, to warm the JVM
 * @param noop messages without work that are measured, after as many unmeasured ones as half of it
 * @param loadSlots handlers at once under full load
 * @param load messages under full load
 * @param loadMillis length of a handler under full load
 * @param longJobs jobs longer than the visibility
 * @param longMillis their length
 * @param mixed short jobs beside one long one
 * @param mixedMillis their length
 * @param mixedLongMillis the long one's length
 * @param sparse jobs of which every {@code nth} is slow
 * @param sparseMillis the length of the fast ones
 * @param nth which ones are slow
 * @param sparseSlowMillis the length of the slow ones
 * @param stopJobs jobs of which a third is to be done when the consumer stops
 * @param stopMillis their length
 * @param idleMillis how long a consumer is idle before it stops
 * @param shortVisibility visibility where it is to run out under a job
 * @param longVisibility visibility elsewhere
 * @param longPoll how long an idle poll waits, for contenders without a default of their own
 */
record SqsSizes(
    int slots,
    int warmUp,
    int noop,
    int loadSlots,
    int load,
    long loadMillis,
    int longJobs,
    long longMillis,
    int mixed,
    long mixedMillis,
    long mixedLongMillis,
    int sparse,
    long sparseMillis,
    int nth,
    long sparseSlowMillis,
    int stopJobs,
    long stopMillis,
    long idleMillis,
    Duration shortVisibility,
    Duration longVisibility,
    Duration longPoll) {

  /** Those of {@code docs/benchmarks.md}. */
  static final SqsSizes FULL =
      new SqsSizes(
          8,
          3_000,
          32_000,
          64,
          6_400,
          20,
          16,
          10_000,
          400,
          50,
          20_000,
          200,
          100,
          20,
          6_000,
          240,
          250,
          3_000,
          Duration.ofSeconds(3),
          Duration.ofSeconds(10),
          Duration.ofSeconds(20));

  /** Just enough to prove that everything runs. */
  static final SqsSizes SMALL =
      new SqsSizes(
          4,
          50,
          100,
          8,
          100,
          5,
          4,
          2_200,
          20,
          20,
          1_000,
          20,
          20,
          10,
          1_500,
          24,
          50,
          200,
          Duration.ofSeconds(1),
          Duration.ofSeconds(2),
          Duration.ofSeconds(1));
}
