package dev.forebay.queue.sqs;

import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * How eagerly to receive, learnt from what receives bring and from how fast it is taken.
 *
 * <p>How many receives are under way at once follows their yield: twice as many after a full one,
 * one less after one that was not full, half after an empty one. When deliveries are taken quickly,
 * a little more is asked for than is wanted right now, at most what goes within {@link
 * #AHEAD_MILLIS}; slow handlers so get no more than they wait for.
 *
 * <p>Not thread-safe: guarded by the receiver's lock.
 */
final class Pace {

  /** Long polls under way at once; each keeps one of the client's connections. */
  private static final int MAX_RECEIVES = 20;

  /** How far ahead of the demand receives may go: four batches, and no more than this long. */
  private static final int MAX_AHEAD = 40;

  private static final long AHEAD_MILLIS = 100;

  /** Over this long the rate of hand-outs is taken. */
  private static final long RATE_WINDOW_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

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
  private final int fullBatch;
  private int batch;
  private long batchAgainAt;
  private int width = 1;
  private long windowStart;
  private int takenInWindow;
  private double rate;
  private String lastGroup = "";
  private int streak;

  /**
   * A pace that starts slowly.
   *
   * @param batch messages one receive asks for at most
   */
  Pace(boolean fifo, int batch, long now) {
    this.fifo = fifo;
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
  void received(int asked, int count) {
    if (count == asked) {
      width = Math.min(MAX_RECEIVES, 2 * width);
    } else {
      width = Math.max(1, count == 0 ? width / 2 : width - 1);
    }
  }

  /** A receive failed. */
  void failed() {
    width = 1;
  }

  /** These were handed out. */
  void taken(List<SqsDelivery> taken) {
    takenInWindow += taken.size();
    if (fifo) {
      for (SqsDelivery delivery : taken) {
        String group = Shelf.group(delivery);
        streak = group.equals(lastGroup) ? streak + 1 : 1;
        lastGroup = group;
      }
    }
  }

  /** How many messages to ask for beyond what polls wait for. */
  int ahead(long now) {
    long window = now - windowStart;
    if (window >= RATE_WINDOW_NANOS) {
      rate = takenInWindow * 1e9 / window;
      takenInWindow = 0;
      windowStart = now;
    }
    return (int) Math.min(Math.min(MAX_AHEAD, 4 * batch), rate * AHEAD_MILLIS / 1000);
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
