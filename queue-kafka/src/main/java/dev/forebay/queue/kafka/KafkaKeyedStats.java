package dev.forebay.queue.kafka;

/**
 * What a keyed {@link KafkaWorkQueue} has been through since it was built, as counted so far;
 * {@code queue.unwrap(KafkaKeyedStats.class)} gives the figures of that moment.
 *
 * @param rebalances how often partitions came or went
 * @param commits offset commits that the broker confirmed
 * @param commitFailures those that failed; each is tried again while the partition is ours
 * @param fenced deliveries lost because their partition went to another member before they were
 *     settled
 * @param ceilingStops how often intake of a partition stopped early because the commit metadata, or
 *     the span it may cover, was nearly full
 * @param unreadableMetadata how often committed metadata could not be read, so that what it said is
 *     delivered again
 * @param skippedAsResolved records fetched again and not delivered, because the metadata had them
 *     as resolved
 * @param truncations how often a partition's log had been cut, so that it began anew
 */
public record KafkaKeyedStats(
    long rebalances,
    long commits,
    long commitFailures,
    long fenced,
    long ceilingStops,
    long unreadableMetadata,
    long skippedAsResolved,
    long truncations) {}
