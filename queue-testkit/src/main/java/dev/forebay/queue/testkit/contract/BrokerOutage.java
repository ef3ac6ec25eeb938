package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.WorkQueue;

/** A broker that a test takes away and brings back (S3). */
public interface BrokerOutage extends AutoCloseable {

  /** Opens a queue object on this broker; as {@link WorkQueueHarness#open}. */
  WorkQueue open(String name, QueueSettings settings);

  /** Makes the broker unreachable. */
  void stop();

  /** Brings the broker back with all it had stored. */
  void start();

  @Override
  void close();
}
