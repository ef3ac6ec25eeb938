package dev.forebay.queue.spi;

import dev.forebay.queue.Delivery;
import java.util.List;

/**
 * What a queue implements beside {@link dev.forebay.queue.WorkQueue} when it keeps fetched messages
 * in this process: a worker's slot that has just settled one then gets the next one at once, on its
 * own thread, instead of by way of the thread that polls. With one message at a time of a key that
 * way is what a busy key waits for.
 *
 * <p>A decorator that wants to see every delivery does not implement it, and nothing passes it by.
 * Thread-safe.
 */
public interface ReadyQueue {

  /**
   * As {@link dev.forebay.queue.WorkQueue#poll} without a wait, but never asks the broker: at most
   * {@code max} deliveries that are ready here and now, an empty list when there are none or the
   * queue is closed. Takes microseconds.
   */
  List<Delivery> pollReady(int max);
}
