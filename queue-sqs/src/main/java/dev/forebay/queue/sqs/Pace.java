package dev.forebay.queue.sqs;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How eagerly to receive, learnt from what receives bring, how long they take and how fast work is
 * finished.
 *
 * <p>How many receives are under way at once follows their yield: twice as many after a full one,
 * one less after one that was not full, half after an empty one.
 *
 * <p>While receives come back full, more is asked for than is wanted right now, so that a free slot
 * finds a message on the shelf: as soon as no more is left than is finished during {@link
 * #LATENCIES} receives, what is finished within {@link #AHEAD_MILLIS} is ordered. The rate is that
 * of finished work, not of hand-outs: eight slots that were just filled with slow work have a rate
 * of nothing yet, and whatever were fetched ahead for them would wait here while other workers are
 * free.
 *
 * <p>Not thread-safe: guarded by the receiver's lock, but for {@link #finished}.
 */
final class Pace {

  /** Long polls under way at once; each keeps one of the client's connections. */
  private static final int MAX_RECEIVES = 20;

  /** How much is ordered ahead of the demand at most, in batches, and for how long it may last. */
  private static final int MAX_BATCHES_AHEAD = 4;

  private static final long AHEAD_MILLIS = 100;

  /** The next order is sent when what is left lasts as long as this many receives take. */
  private static final int LATENCIES = 2;

  /** Over this long the rate is counted; it forgets half of what it was with each. */
  private static final long RATE_WINDOW_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** The weight of the newest receive in the usual duration of one. */
  private static final double LATENCY_WEIGHT = 0.2;

  /**
   * SQS prefers the oldest group of a FIFO queue, and a lone consumer would see no other until that
   * is worked off (K3). So after a few of one group in a row, while the last of them still locks
   * it, one message of any other is asked for; but only where polls come often enough that it does
   * not wait long here.
   */
  private static final int STREAK = 3;

  private static final double LOOK_AROUND_RATE = 2;

  /** How long FIFO messages are received one by one after others had to go back for one. */
  private static final long SINGLY_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final boolean fifo;
  private final boolean mayOrderAhead;
  private final int fullBatch;
  private int batch;
  private long batchAgainAt;
  private int width = 1;
  private long windowStart;
  private long finishedBefore;
  private double rate;
  private double latencyNanos;
  private boolean plenty;
  private final AtomicLong finished = new AtomicLong();
  private String lastGroup = "";
  private int streak;

  /**
   * A pace that starts slowly.
   *
   * @param batch messages one receive asks for at most
   * @param mayOrderAhead whether it is no harm when what was ordered ahead has to go back
   */
  Pace(boolean fifo, int batch, boolean mayOrderAhead, long now) {
    this.fifo = fifo;
    this.mayOrderAhead = mayOrderAhead;
    this.fullBatch = batch;
    this.batch = batch;
    this.windowStart = now;
  }

  /** How many messages one receive may ask for now. */
  int batch(long now) {
    if (batch < fullBatch && now - batchAgainAt >= 0) {
      batch = fullBatch;
    }
    return batch;
  }

  /** From now on for a while only single messages are asked for. */
  void singly(long now) {
    batch = 1;
    batchAgainAt = now + SINGLY_NANOS;
  }

  /** How many receives may be under way at once. */
  int width() {
    return width;
  }

  /** A receive ended well. */
  void received(int asked, int count, long nanos) {
    plenty = count == asked;
    if (plenty) {
      width = Math.min(MAX_RECEIVES, 2 * width);
      latencyNanos =
          latencyNanos == 0 ? nanos : latencyNanos + LATENCY_WEIGHT * (nanos - latencyNanos);
    } else {
      width = Math.max(1, count == 0 ? width / 2 : width - 1);
    }
  }

  /** A receive failed. */
  void failed() {
    width = 1;
    plenty = false;
  }

  /** Work that had been handed out is finished, its message gone. Thread-safe. */
  void finished() {
    finished.incrementAndGet();
  }

  /** These were handed out. */
  void taken(List<SqsDelivery> taken) {
    if (fifo) {
      for (SqsDelivery delivery : taken) {
        String group = Shelf.group(delivery);
        streak = group.equals(lastGroup) ? streak + 1 : 1;
        lastGroup = group;
      }
    }
  }

  /** Whether the queue had all that was last asked for, so that asking for more is no waste. */
  boolean plenty() {
    return plenty;
  }

  /** What is ordered ahead in one go. */
  int ahead(long now) {
    updateRate(now);
    if (!mayOrderAhead) {
      return 0;
    }
    return (int) Math.min(MAX_BATCHES_AHEAD * batch, Math.rint(rate * AHEAD_MILLIS / 1000));
  }

  /** The next order is due when no more than this is left. */
  int reorderAt(long now) {
    updateRate(now);
    return (int)
        Math.min(MAX_BATCHES_AHEAD * batch, Math.ceil(rate * LATENCIES * latencyNanos / 1e9));
  }

  private void updateRate(long now) {
    long windows = (now - windowStart) / RATE_WINDOW_NANOS;
    if (windows == 0) {
      return;
    }
    long all = finished.get();
    double latest = (all - finishedBefore) * 1e9 / (now - windowStart);
    double kept = Math.pow(0.5, (double) windows);
    rate = kept * rate + (1 - kept) * latest;
    finishedBefore = all;
    windowStart = now;
  }

  /** Whether one message of any other group is to be asked for; true once a streak. */
  boolean looksAround() {
    if (!fifo || streak < STREAK || rate < LOOK_AROUND_RATE) {
      return false;
    }
    streak = 0;
    return true;
  }
}
