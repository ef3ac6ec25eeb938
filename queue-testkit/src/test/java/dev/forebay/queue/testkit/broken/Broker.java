package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.time.TimeSource;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What the wrong queue objects of one test share, as processes share a broker: notes that each
 * keeps under names of its own choice. Thread-safe.
 */
public final class Broker implements AutoCloseable {

  final TimeSource time;
  final AtomicInteger count = new AtomicInteger();
  final Map<String, String> notes = new ConcurrentHashMap<>();
  final Map<String, Runnable> ackOfHolder = new ConcurrentHashMap<>();
  final Set<Thread> threads = ConcurrentHashMap.newKeySet();

  /** A broker under this clock. */
  public Broker(TimeSource time) {
    this.time = time;
  }

  /** Ends the threads that wrong queues left behind. */
  @Override
  public void close() {
    threads.forEach(Thread::interrupt);
  }
}
