package dev.forebay.queue.memory;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What waits for its time: leases and delays. Guarded by the lock of its {@link StoredQueue}.
 *
 * <p>In two heaps, because leases are few and come and go with every delivery, while a million
 * messages may be delayed: among those, each lease would climb through all levels twice.
 */
final class DueTimes {

  private final EntryHeap leases = EntryHeap.byDueTime();
  private final EntryHeap delays = EntryHeap.byDueTime();

  void lease(Entry entry) {
    leases.add(entry);
  }

  void delay(Entry entry) {
    delays.add(entry);
  }

  /** Takes out a lease or delay, while its entry's state still says which; else nothing happens. */
  void remove(Entry entry) {
    if (entry.state == Entry.State.DELAYED) {
      delays.remove(entry);
    } else {
      leases.remove(entry);
    }
  }

  /** The one due first; null when nothing waits. */
  @Nullable Entry first() {
    Entry lease = leases.first();
    Entry delay = delays.first();
    if (lease == null || delay == null) {
      return lease == null ? delay : lease;
    }
    long difference = delay.dueNanos - lease.dueNanos;
    return difference < 0 || (difference == 0 && delay.sequence < lease.sequence) ? delay : lease;
  }

  void forEachLease(Consumer<Entry> visitor) {
    leases.forEach(visitor);
  }
}
