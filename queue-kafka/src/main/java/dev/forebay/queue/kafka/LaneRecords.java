package dev.forebay.queue.kafka;

import dev.forebay.queue.Settlement;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

/**
 * The records that a lane holds, and what is to become of each: which are ready for the callers,
 * which are decided, which wait for their time, which nobody took. Bounded by the lane's size.
 * Belongs to the lane's thread.
 */
final class LaneRecords {

  private static final long UNSEEN_LOOK_NANOS = Duration.ofMillis(500).toNanos();

  private final Lane lane;
  private final LanePool pool;
  private final Intake intake;
  private final LaneInbox inbox;
  private final TimeSource time;
  private final long lockNanos;
  private final Set<Held> held = new LinkedHashSet<>();
  private long lookAt;

  LaneRecords(
      Lane lane, LanePool pool, Intake intake, LaneInbox inbox, TimeSource time, long lockNanos) {
    this.lane = lane;
    this.pool = pool;
    this.intake = intake;
    this.inbox = inbox;
    this.time = time;
    this.lockNanos = lockNanos;
  }

  boolean isEmpty() {
    return held.isEmpty();
  }

  List<Held> all() {
    return List.copyOf(held);
  }

  /** When {@link #look} is due. */
  long lookAt() {
    return lookAt;
  }

  void add(ConsumerRecord<byte[], byte[]> record) {
    held.add(intake.admit(lane, record));
    pool.watch().held(record.partition(), 1);
  }

  /** Offers the callers what they may have, and writes aside what they may not. */
  void handOver() {
    List<Held> ready = new ArrayList<>(held.size());
    for (Held each : held) {
      if (!intake.isDeliverable(each)) {
        intake.writeAside(each);
      } else if (!each.decided) {
        ready.add(each);
      }
    }
    lookAt = time.nanoTime();
    if (!ready.isEmpty()) {
      // When the queue has been closed meanwhile, the next look finds them.
      pool.offer(ready);
    }
  }

  /** Decides to release everything, which nobody has seen. */
  List<Held> releaseAll() {
    List<Held> all = all();
    for (Held each : all) {
      each.decided = true;
      each.decision = Held.Decision.RELEASE;
      each.attemptsAfter = each.attempts().plusReturned();
    }
    return all;
  }

  /** Takes what was decided; returns what can be told to the broker at once. */
  List<Held> takeDecided() {
    List<Held> settled = new ArrayList<>();
    for (Held each = inbox.take(); each != null; each = inbox.take()) {
      if (!held.contains(each)) {
        refuse(each);
        continue;
      }
      each.decided = true;
      each.writing = false;
      long due = dueAt(each);
      boolean last = each.decision != Held.Decision.WAIT && each.decision != Held.Decision.RETRY;
      if (last && due - time.nanoTime() <= 0) {
        settled.add(each);
      } else {
        lookAt = earlier(lookAt, due);
      }
    }
    return settled;
  }

  private static long earlier(long a, long b) {
    return a - b < 0 ? a : b;
  }

  private long dueAt(Held each) {
    return switch (each.decision) {
      case ACCEPT, REJECT -> time.nanoTime();
      case RELEASE, WAIT -> each.releaseAt;
      case RETRY -> each.retryAt;
    };
  }

  /**
   * Looks at every record for what is due by time, and finds out when to look next.
   *
   * @param settled what is told to the broker anyway; what else must be is added
   */
  void look(long now, boolean draining, List<Held> settled) {
    Set<Held> stale = new HashSet<>(pool.withdrawStale(lane));
    Set<Held> done = new HashSet<>(settled);
    List<Held> ready = new ArrayList<>();
    long next = lockNanos / 3;
    for (Held each : held) {
      ShareDelivery delivery = each.delivery;
      if (each.writing || done.contains(each)) {
        continue;
      }
      if (each.decided) {
        long left = dueAt(each) - now;
        if (left > 0 && !draining) {
          next = Math.min(next, left);
        } else {
          proceed(each, draining, settled, ready);
        }
      } else if (delivery == null) {
        next = Math.min(next, UNSEEN_LOOK_NANOS);
        if (stale.contains(each) || draining) {
          giveBackUnseen(each, settled);
        }
      } else if (delivery.isLost()) {
        inbox.lost();
        each.decided = true;
        each.decision = Held.Decision.RELEASE;
        each.attemptsAfter = delivery.attempts().plusLeaseLost();
        settled.add(each);
      } else {
        next = Math.min(next, Math.max(0, delivery.deadlineNanos() - now));
      }
    }
    lookAt = now + next;
    if (!ready.isEmpty()) {
      pool.offer(ready);
    }
  }

  /** A record's time has come, or the lane's end: then what still waits goes on in a copy. */
  private void proceed(Held each, boolean draining, List<Held> settled, List<Held> ready) {
    if (each.decision == Held.Decision.RETRY || (draining && !each.uncopyable)) {
      intake.writeAside(each);
    } else if (each.decision == Held.Decision.WAIT && !draining) {
      each.decided = false;
      ready.add(each);
    } else {
      settled.add(each);
    }
  }

  private void giveBackUnseen(Held each, List<Held> settled) {
    if (!each.uncopyable) {
      intake.writeAside(each);
      return;
    }
    each.decided = true;
    each.decision = Held.Decision.RELEASE;
    each.attemptsAfter = each.attempts().plusReturned();
    settled.add(each);
  }

  /** The records are about to be told to the broker. */
  void remember(List<Held> settled) {
    for (Held each : settled) {
      if (each.decision == Held.Decision.RELEASE) {
        intake.remember(each);
      }
    }
  }

  /** The broker has answered; UNKNOWN for partitions of which it said nothing. */
  void settled(List<Held> settled, Map<TopicPartition, Settlement> verdicts) {
    for (Held each : settled) {
      drop(each);
      Settlement verdict = verdicts.getOrDefault(each.partition(), Settlement.UNKNOWN);
      if (verdict == Settlement.OK) {
        intake.over(each);
      }
      answer(each, verdict);
    }
  }

  /** Whether a copy or dead letter of a record is being written. */
  boolean isWriting() {
    for (Held each : held) {
      if (each.writing || each.storing) {
        return true;
      }
    }
    return false;
  }

  /** A settlement that came too late to be told to the broker; in any thread. */
  static void refuse(Held late) {
    answer(late, Settlement.STALE);
  }

  private static void answer(Held each, Settlement verdict) {
    ShareDelivery delivery = each.delivery;
    if (delivery != null) {
      if (verdict == Settlement.STALE) {
        delivery.lose();
      } else {
        boolean unused = delivery.settled();
      }
    }
    CompletableFuture<Settlement> answer = each.answer;
    if (answer != null) {
      // With a copy or dead letter written it cannot be said that nothing was changed.
      answer.complete(verdict == Settlement.STALE && each.stored ? Settlement.UNKNOWN : verdict);
    }
  }

  /** The broker's lock is gone; another process may have the record. */
  void lose(Held each) {
    drop(each);
    // After this nobody can take it any more, so the field tells whether somebody has.
    boolean unused = pool.withdraw(each);
    ShareDelivery delivery = each.delivery;
    if (delivery != null) {
      delivery.lose();
    } else {
      intake.rememberUnseen(each);
    }
  }

  private void drop(Held each) {
    if (held.remove(each)) {
      pool.watch().held(each.record.partition(), -1);
    }
  }
}
