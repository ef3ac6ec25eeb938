package dev.forebay.queue.kafka;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * The records whose message this process writes elsewhere, to the delays, the dead letters or the
 * end of the topic, and of which the broker has not yet confirmed that they are done.
 *
 * <p>When a lock ends meanwhile, the record comes again although its message has moved on. If it
 * comes to this process, it is recognised here, and the message is not doubled. The id is compared,
 * too: a topic that was created anew has the same offsets for other messages. Bounded: the oldest
 * entry goes when {@value #CAPACITY} are reached. Thread-safe.
 */
final class MovedRecords {

  static final int CAPACITY = 10_000;

  private record Key(TopicPartition partition, long offset, String id) {}

  private final Map<Key, CompletableFuture<Void>> writes =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, CompletableFuture<Void>> eldest) {
          return size() > CAPACITY;
        }
      };

  /** The message is being written elsewhere; forgotten again if that fails. */
  void put(TopicPartition partition, long offset, String id, CompletableFuture<Void> write) {
    Key key = new Key(partition, offset, id);
    synchronized (this) {
      writes.put(key, write);
    }
    CompletableFuture<Void> unused =
        write.whenComplete(
            (stored, error) -> {
              if (error != null) {
                forget(key, write);
              }
            });
  }

  private synchronized void forget(Key key, CompletableFuture<Void> write) {
    boolean unused = writes.remove(key, write);
  }

  /** How that write ends; null when there is none. */
  synchronized @Nullable CompletableFuture<Void> get(
      TopicPartition partition, long offset, String id) {
    return writes.get(new Key(partition, offset, id));
  }

  /** The record will not come again. */
  synchronized void remove(TopicPartition partition, long offset, String id) {
    CompletableFuture<Void> unused = writes.remove(new Key(partition, offset, id));
  }
}
