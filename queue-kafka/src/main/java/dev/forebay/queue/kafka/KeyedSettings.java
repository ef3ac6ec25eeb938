package dev.forebay.queue.kafka;

import dev.forebay.queue.KeyPolicy;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What the parts of the keyed mode need to know; immutable.
 *
 * @param lease the lease of a delivery at first
 * @param deadLetters the topic of dead letters, if there is one
 * @param keyPolicy what a failing record does to its key
 * @param maxRecords most records held, resolved ones the broker does not know yet included
 * @param maxBytes most bytes of records that are not resolved, but for one fetch
 * @param maxPoll most records of one poll of the consumer
 * @param commitInterval longest time between a change and its commit
 * @param handOver how long running handlers of a partition that moves may go on
 * @param idleAfter how long nobody may poll before the partitions are left to other members
 * @param grace how long closing may take
 */
record KeyedSettings(
    String topic,
    String group,
    Duration lease,
    @Nullable String deadLetters,
    KeyPolicy keyPolicy,
    int maxRecords,
    long maxBytes,
    int maxPoll,
    Duration commitInterval,
    Duration handOver,
    Duration idleAfter,
    Duration grace,
    TimeSource time) {}
