package dev.forebay.queue.sqs;

import dev.forebay.queue.Capabilities;
import java.time.Duration;

/** SQS's limits as numbers; they are those of its documentation. Stateless. */
final class SqsCapabilities {

  static final Duration MAX_DELAY = Duration.ofMinutes(15);
  private static final Duration DEDUP_WINDOW = Duration.ofMinutes(5);
  private static final int BATCH = 10;

  private SqsCapabilities() {}

  static Capabilities of(QueueFacts facts, Duration lateness, boolean deadLetters) {
    boolean fifo = facts.fifo();
    return Capabilities.builder(fifo ? "sqs-fifo" : "sqs")
        .lease(LeaseTimes.MIN_LEASE, LeaseTimes.MAX_LEASE)
        .maxLeaseTotal(LeaseTimes.MAX_LEASE)
        .lateness(lateness)
        .failureDetection(Duration.ZERO)
        .delays(fifo ? Duration.ZERO : MAX_DELAY, LeaseTimes.MAX_LEASE)
        .sizes(facts.maxBytes() - SqsWire.RESERVED_BYTES, SqsWire.MAX_HEADERS)
        .ids(SqsText.MAX_ID, SqsText.MAX_ID)
        .batches(BATCH, BATCH, BATCH)
        .dedupWindow(fifo ? DEDUP_WINDOW : Duration.ZERO)
        .ordering(fifo ? Capabilities.Ordering.PER_KEY : Capabilities.Ordering.NONE)
        .exclusivity(fifo ? Capabilities.Exclusivity.STRICT : Capabilities.Exclusivity.BEST_EFFORT)
        .attempts(Capabilities.AttemptPrecision.CAUSE_PER_PROCESS, true)
        .fencing(Capabilities.Fencing.APPROXIMATE)
        .deadLetters(deadLetters)
        .build();
  }

  /**
   * How many messages a receive may ask for. On a FIFO queue those of one group come together and
   * all but the first have to go back when it fails, which SQS counts as a receive of each; so
   * where it counts receives against a maximum, fewer are asked for.
   */
  static int receiveBatch(QueueFacts facts) {
    return facts.fifo() && facts.maxReceiveCount() > 0
        ? Math.max(1, Math.min(BATCH, facts.maxReceiveCount() - 2))
        : BATCH;
  }
}
