package dev.forebay.queue.kafka;

import dev.forebay.queue.Attempts;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * How the deliveries of records ended that this process gave back, by cause.
 *
 * <p>The broker counts deliveries of a record, not their causes, and it cannot carry a header more.
 * What it counts beyond what is remembered here counts as lost leases, since the record was in
 * other hands. Bounded: the oldest entry goes when {@value #CAPACITY} are reached. Thread-safe.
 */
final class ReturnedRecords {

  private static final int CAPACITY = 10_000;

  private record Key(TopicPartition partition, long offset) {}

  private record Ended(int deliveryCount, Attempts attempts) {}

  private final Map<Key, Ended> entries =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Ended> eldest) {
          return size() > CAPACITY;
        }
      };

  /** The record was given back after its {@code deliveryCount}-th delivery. */
  synchronized void put(
      TopicPartition partition, long offset, int deliveryCount, Attempts attempts) {
    entries.put(new Key(partition, offset), new Ended(deliveryCount, attempts));
  }

  /**
   * How the earlier deliveries of a record ended that has just been fetched.
   *
   * @param base what the record itself carries: the deliveries before its last copy
   */
  synchronized Attempts take(
      TopicPartition partition, long offset, int deliveryCount, Attempts base) {
    if (deliveryCount <= 1) {
      return base;
    }
    @Nullable Ended entry = entries.remove(new Key(partition, offset));
    boolean usable = entry != null && entry.deliveryCount < deliveryCount;
    Attempts known = usable && entry != null ? entry.attempts : base;
    int unknown = deliveryCount - 1 - (usable && entry != null ? entry.deliveryCount : 0);
    return new Attempts(known.failed(), known.leaseLost() + unknown, known.returned());
  }
}
