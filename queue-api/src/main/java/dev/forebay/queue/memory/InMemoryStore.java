package dev.forebay.queue.memory;

import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What in-memory queues keep their messages in: named queues that outlive the {@link
 * InMemoryWorkQueue} objects opened on them. Two objects on one store behave like two processes on
 * one broker. Thread-safe.
 */
public final class InMemoryStore {

  private final TimeSource time;
  private final String idPrefix;
  private final Object redriving = new Object();
  private final AtomicLong sequence = new AtomicLong();
  private final Map<String, StoredQueue> queues = new ConcurrentHashMap<>();

  /** An empty store in real time. */
  public InMemoryStore() {
    this(SystemTimeSource.get());
  }

  /** An empty store under this time source, whose message ids no other store will give. */
  public InMemoryStore(TimeSource time) {
    this(time, UUID.randomUUID().toString().substring(0, 8));
  }

  /**
   * An empty store whose message ids start with {@code idPrefix}, for runs that must come out the
   * same every time.
   */
  public InMemoryStore(TimeSource time, String idPrefix) {
    this.time = time;
    this.idPrefix = idPrefix;
  }

  TimeSource time() {
    return time;
  }

  /**
   * Store-wide, so that fencing tokens and ids keep growing when a message moves between queues.
   */
  long nextNumber() {
    return sequence.incrementAndGet();
  }

  String nextId() {
    return idPrefix + '-' + Long.toString(nextNumber(), 36);
  }

  /** Held by whoever holds the locks of two queues at once. */
  Object redriving() {
    return redriving;
  }

  StoredQueue queue(String name) {
    return queues.computeIfAbsent(name, missing -> new StoredQueue(this));
  }
}
