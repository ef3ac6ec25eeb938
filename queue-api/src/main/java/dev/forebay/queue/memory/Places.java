package dev.forebay.queue.memory;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.KeyPolicy;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Where each message of a queue is: in the ready line, behind the leader of its key, among the due
 * times (delayed or leased), or on its way to the dead letters; in one place at a time. O(log n)
 * each. Guarded by the lock of its {@link StoredQueue}.
 */
final class Places {

  private final Runnable onReady;
  private final ArrayDeque<Entry> ready = new ArrayDeque<>();
  private final KeyLanes lanes = new KeyLanes();
  private final DueTimes due = new DueTimes();
  private final AgeOrder byAge = new AgeOrder();
  private KeyPolicy keyPolicy = KeyPolicy.STRICT;
  private long delayed;
  private long leased;

  /**
   * How many in the ready line are gone; they leave it in bulk, since each search would be O(n).
   */
  private int withdrawn;

  /**
   * No messages yet.
   *
   * @param onReady called for each message that becomes deliverable
   */
  Places(Runnable onReady) {
    this.onReady = onReady;
  }

  void keyPolicy(KeyPolicy policy) {
    keyPolicy = policy;
  }

  /** Takes in a new message. */
  void enter(Entry entry, long now) {
    byAge.add(entry);
    if (entry.dueNanos - now > 0 && stepsAside(entry)) {
      place(entry, now);
    } else if (lanes.join(entry)) {
      place(entry, now);
    }
  }

  private boolean stepsAside(Entry entry) {
    return keyPolicy == KeyPolicy.RELAXED && entry.key != null;
  }

  /** The next deliverable message, under a lease from now on; null when there is none. */
  @Nullable Entry lease(long untilNanos) {
    Entry entry = ready.pollFirst();
    while (entry != null && entry.state == Entry.State.GONE) {
      withdrawn--;
      entry = ready.pollFirst();
    }
    if (entry != null) {
      entry.state = Entry.State.LEASED;
      entry.dueNanos = untilNanos;
      due.lease(entry);
      leased++;
    }
    return entry;
  }

  void extendLease(Entry entry, long untilNanos) {
    due.remove(entry);
    entry.dueNanos = untilNanos;
    due.lease(entry);
  }

  /** After it the entry is nowhere, until it is removed or comes back. */
  void endLease(Entry entry) {
    due.remove(entry);
    entry.delivery = null;
    leased--;
  }

  /** Takes out for good what is under no lease or delay, or whose lease was ended. */
  void remove(Entry entry, long now) {
    boolean wasReady = entry.state == Entry.State.READY;
    entry.state = Entry.State.GONE;
    byAge.remove(entry);
    passOn(entry, now);
    withdrawn += wasReady ? 1 : 0;
    if (withdrawn > ready.size() / 2) {
      ready.removeIf(each -> each.state == Entry.State.GONE);
      withdrawn = 0;
    }
  }

  /** Makes a message whose lease was ended deliverable again, at its time. */
  void comeBack(Entry entry, Attempts attempts, long dueNanos, long now) {
    entry.envelope = entry.envelope.withAttempts(attempts);
    entry.dueNanos = dueNanos;
    if (stepsAside(entry)) {
      passOn(entry, now);
      if (dueNanos - now <= 0 && !lanes.rejoin(entry)) {
        return;
      }
    }
    place(entry, now);
  }

  /** Lets the next message of the same key be delivered. */
  private void passOn(Entry entry, long now) {
    Entry next = lanes.leave(entry);
    if (next != null) {
      place(next, now);
    }
  }

  private void place(Entry entry, long now) {
    if (entry.dueNanos - now > 0) {
      entry.state = Entry.State.DELAYED;
      delayed++;
      due.delay(entry);
    } else {
      entry.state = Entry.State.READY;
      ready.addLast(entry);
      onReady.run();
    }
  }

  /**
   * Makes deliverable whatever has come due.
   *
   * @param lost gets the deliveries whose leases have ended
   */
  void expire(long now, List<MemoryDelivery> lost) {
    for (Entry entry = due.first();
        entry != null && entry.dueNanos - now <= 0;
        entry = due.first()) {
      if (entry.state == Entry.State.LEASED) {
        MemoryDelivery delivery = entry.delivery;
        endLease(entry);
        if (delivery != null) {
          lost.add(delivery);
        }
        comeBack(entry, entry.envelope.attempts().plusLeaseLost(), now, now);
      } else {
        due.remove(entry);
        delayed--;
        if (entry.leadsItsKey || lanes.rejoin(entry)) {
          place(entry, now);
        }
      }
    }
  }

  /** The lease or delay that ends first; null when there is none. */
  @Nullable Entry firstDue() {
    return due.first();
  }

  boolean hasReady() {
    return !ready.isEmpty();
  }

  int readyAtMost() {
    return ready.size();
  }

  long visible() {
    return ready.size() - withdrawn + lanes.waiting();
  }

  long leased() {
    return leased;
  }

  long delayed() {
    return delayed;
  }

  /** The one enqueued first; null when there is none. */
  @Nullable Entry oldest() {
    return byAge.first();
  }

  /** The entry of this id; looks at all of them. */
  @Nullable Entry find(String id) {
    return byAge.find(id);
  }

  /** The message that others of its key wait for; null when there is none. */
  @Nullable Entry leader(Entry entry) {
    return lanes.leader(entry.key);
  }

  /** Visits every message, in no order. */
  void forEach(Consumer<Entry> visitor) {
    byAge.forEach(visitor);
  }

  void forEachLease(Consumer<Entry> visitor) {
    due.forEachLease(visitor);
  }
}
