package dev.forebay.queue.memory;

import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.spi.Checks;
import dev.forebay.queue.spi.Envelope;

/** How full a queue is, by count and estimated heap use. Guarded by its {@link StoredQueue}. */
final class Fill {

  /** Estimated heap use of a stored message beside its body, key and headers. */
  private static final long ENTRY_OVERHEAD_BYTES = 400;

  private long messages;
  private long bytes;

  static long sizeOf(Envelope envelope) {
    return ENTRY_OVERHEAD_BYTES + Checks.plainSize(envelope.message());
  }

  /** Counts one more message in, unless that is more than the settings allow. */
  boolean add(long size, long besides, QueueSettings within) {
    if (messages >= within.maxMessages() || bytes + besides + size > within.maxBytes()) {
      return false;
    }
    messages++;
    bytes += size;
    return true;
  }

  void remove(long size) {
    messages--;
    bytes -= size;
  }

  EnqueueOutcome.Failed refusal() {
    return new EnqueueOutcome.Failed(
        ErrorCode.OVERLOADED,
        "The in-memory queue is full: "
            + messages
            + " messages of about "
            + bytes
            + " bytes. Handle some, or raise maxMessages or maxBytes in its builder.");
  }
}
