package dev.forebay.queue.kafka;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What the consumer's thread waits for: on a condition while it leaves its client alone, or inside
 * of the client, from which a call takes it out. Guarded by the lock it is made with, that of the
 * {@link KeyedBuffer}, which looks here each time it lets go of it.
 */
final class KeyedBell {

  /** More acks than there can be. */
  static final long NEVER = Long.MAX_VALUE;

  private final Condition rung;
  private long acks = NEVER;
  private long room;
  private boolean hunger;
  private boolean polls;

  private @Nullable Runnable call;
  private long callAcks;
  private long callUnneededAt;
  private boolean called;

  KeyedBell(ReentrantLock lock) {
    this.rung = lock.newCondition();
  }

  /** Wakes the consumer when what it waits for is there. */
  void look(KeyedRecords records, boolean closing) {
    if (records.acksWaiting() >= acks || records.count() < room) {
      ring();
    }
    if (call != null
        && (closing || records.acksWaiting() >= callAcks || records.untilDue(callUnneededAt) < 0)) {
      // Under the lock, so that no poll of the client is woken but the one that asked for it.
      call.run();
      call = null;
      called = true;
    }
  }

  /** Somebody polls. */
  void polled() {
    if (polls) {
      rung.signal();
    }
  }

  /** Somebody polls, and there is nothing for him. */
  void hungry() {
    if (hunger) {
      ring();
    }
  }

  /** Wakes whoever waits. */
  void ring() {
    forgetWaits();
    rung.signal();
  }

  private void forgetWaits() {
    acks = NEVER;
    room = 0;
    hunger = false;
  }

  /**
   * Waits for this long at most, until so many acks wait, fewer records than {@code room} are held,
   * or {@link #hungry()}. The caller has looked that it is not so now.
   */
  @SuppressWarnings("WaitNotInLoop") // The caller looks for himself, and comes again.
  void await(Duration atMost, long wantedAcks, long wantedRoom, boolean orHunger)
      throws InterruptedException {
    acks = wantedAcks;
    room = wantedRoom;
    hunger = orHunger;
    try {
      // Not by the time source: the consumer's own polls run by the machine's clock, too.
      long unused = rung.awaitNanos(atMost.toNanos());
    } finally {
      forgetWaits();
    }
  }

  /** Waits until {@link #polled()} or {@link #ring()}. */
  @SuppressWarnings("WaitNotInLoop") // As above.
  void awaitPoll() throws InterruptedException {
    polls = true;
    try {
      rung.await();
    } finally {
      polls = false;
    }
  }

  /**
   * Runs {@code wake} once, when so many acks wait or something came to be due before {@code
   * unneededAt}.
   */
  void callWhenWanted(Runnable wake, long wantedAcks, long unneededAt) {
    call = wake;
    callAcks = wantedAcks;
    callUnneededAt = unneededAt;
    called = false;
  }

  /** Takes that back; whether it was run. */
  boolean wasCalled() {
    call = null;
    boolean was = called;
    called = false;
    return was;
  }
}
