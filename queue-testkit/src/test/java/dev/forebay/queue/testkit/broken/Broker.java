package dev.forebay.queue.testkit.broken;

import dev.forebay.queue.Message;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.time.ManualTimeSource;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What the wrong queue objects of one test share, as processes share a broker: notes that each
 * keeps under names of its own choice, and what happens to a broker from outside. Thread-safe.
 */
public final class Broker implements AutoCloseable {

  final ManualTimeSource time;
  final AtomicInteger count = new AtomicInteger();
  final Map<String, String> notes = new ConcurrentHashMap<>();
  final Map<String, Runnable> ackOfHolder = new ConcurrentHashMap<>();
  final Set<Thread> threads = ConcurrentHashMap.newKeySet();
  final Set<String> undecodable = ConcurrentHashMap.newKeySet();
  final Set<String> foreign = ConcurrentHashMap.newKeySet();
  private volatile boolean down;
  private long requests;
  private long sentAt;
  private int room;

  /** A broker under this clock. */
  public Broker(ManualTimeSource time) {
    this.time = time;
  }

  void pass(Duration some) {
    time.advance(some);
  }

  /** Whether it is away; those in front of it have to tell their callers. */
  public void down(boolean away) {
    down = away;
  }

  boolean isDown() {
    return down;
  }

  /** Puts a record that is not a message into the queue behind those that are wrong. */
  public void putUndecodable(WorkQueue stored) {
    undecodable.add(stored.enqueue(Message.text("?")).join().orThrow());
  }

  /** Puts a record there as a producer without the library would. */
  public void putForeign(WorkQueue stored, byte[] body) {
    foreign.add(stored.enqueue(Message.of(body)).join().orThrow());
  }

  /** A message travels: in the last request, when it came at the same time and there is room. */
  synchronized void request(int size) {
    long now = time.nanoTime();
    if (room == 0 || now != sentAt) {
      requests++;
      room = size;
      sentAt = now;
    }
    room--;
  }

  /** How many requests there were. */
  public synchronized long requests() {
    return requests;
  }

  /** Ends the threads that wrong queues left behind. */
  @Override
  public void close() {
    threads.forEach(Thread::interrupt);
  }
}
