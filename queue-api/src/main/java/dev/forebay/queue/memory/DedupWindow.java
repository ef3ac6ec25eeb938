package dev.forebay.queue.memory;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The dedup ids of the last window (U1). The window is the same for all, so they leave in the order
 * they came: O(1) each. Guarded by the lock of its {@link StoredQueue}, which bounds it together
 * with the messages.
 */
final class DedupWindow {

  /** Estimated heap use of one remembered id beside its characters. */
  private static final long OVERHEAD_BYTES = 160;

  private record Seen(String dedupId, String messageId, long untilNanos, long bytes) {}

  private final Map<String, Seen> byId = new HashMap<>();
  private final ArrayDeque<Seen> inOrder = new ArrayDeque<>();
  private long bytes;

  /** The id of the message that took this dedup id inside the window, or null. */
  @Nullable String holder(String dedupId, long now) {
    for (Seen oldest = inOrder.peekFirst();
        oldest != null && oldest.untilNanos - now <= 0;
        oldest = inOrder.peekFirst()) {
      inOrder.removeFirst();
      byId.remove(oldest.dedupId);
      bytes -= oldest.bytes;
    }
    Seen seen = byId.get(dedupId);
    return seen == null ? null : seen.messageId;
  }

  void remember(String dedupId, String messageId, long now, Duration window) {
    Seen seen =
        new Seen(
            dedupId, messageId, now + window.toNanos(), OVERHEAD_BYTES + 2L * dedupId.length());
    byId.put(dedupId, seen);
    inOrder.addLast(seen);
    bytes += seen.bytes;
  }

  long bytes() {
    return bytes;
  }
}
