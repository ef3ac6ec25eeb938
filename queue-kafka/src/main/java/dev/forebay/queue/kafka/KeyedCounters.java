package dev.forebay.queue.kafka;

import java.util.concurrent.atomic.LongAdder;

/** Counts what {@link KafkaKeyedStats} tells. Thread-safe. */
final class KeyedCounters {

  final LongAdder rebalances = new LongAdder();
  final LongAdder commits = new LongAdder();
  final LongAdder commitFailures = new LongAdder();
  final LongAdder fenced = new LongAdder();
  final LongAdder ceilingStops = new LongAdder();
  final LongAdder unreadableMetadata = new LongAdder();
  final LongAdder skippedAsResolved = new LongAdder();
  final LongAdder truncations = new LongAdder();

  KafkaKeyedStats read() {
    return new KafkaKeyedStats(
        rebalances.sum(),
        commits.sum(),
        commitFailures.sum(),
        fenced.sum(),
        ceilingStops.sum(),
        unreadableMetadata.sum(),
        skippedAsResolved.sum(),
        truncations.sum());
  }
}
