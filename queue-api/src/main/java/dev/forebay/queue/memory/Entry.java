package dev.forebay.queue.memory;

import dev.forebay.queue.spi.Envelope;
import org.jspecify.annotations.Nullable;

/** One stored message. Guarded by the lock of its {@link StoredQueue}. */
final class Entry {

  enum State {
    /** In the ready line. */
    READY,
    /** Behind another message of its key. */
    WAITING,
    /** Until its due time. */
    DELAYED,
    /** Under a lease until its due time. */
    LEASED,
    /** On its way to the dead letters; nothing can take it meanwhile. */
    MOVING,
    /** Acked or dead-lettered. */
    GONE
  }

  static final int NOT_IN_HEAP = -1;

  final long sequence;
  final long bytes;

  /** The message's; here too, so that a settlement need not fetch the message from memory. */
  final @Nullable String key;

  Envelope envelope;
  State state = State.READY;

  /** When the delay or the lease ends, on the monotonic clock. */
  long dueNanos;

  int dueIndex = NOT_IN_HEAP;
  int ageIndex = NOT_IN_HEAP;

  /** Neighbours in the line by age, while in it. */
  @Nullable Entry older;

  @Nullable Entry newer;
  boolean inAgeLine;

  /** Whether this is the one message of its key that may be delivered now. */
  boolean leadsItsKey;

  @Nullable MemoryDelivery delivery;

  Entry(long sequence, Envelope envelope, long bytes, long dueNanos) {
    this.sequence = sequence;
    this.envelope = envelope;
    this.bytes = bytes;
    this.dueNanos = dueNanos;
    this.key = envelope.message().key().orElse(null);
  }
}
