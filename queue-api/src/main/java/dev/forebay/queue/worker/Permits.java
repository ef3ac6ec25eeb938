package dev.forebay.queue.worker;

import dev.forebay.queue.Message;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.ToIntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What each message costs, and how much may run at once (W6). One that costs more than there is
 * runs alone. Immutable and as thread-safe as the function.
 */
final class Permits {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final int total;
  private final ToIntFunction<Message> cost;
  private final AtomicBoolean failureLogged = new AtomicBoolean();

  Permits(int total, ToIntFunction<Message> cost) {
    this.total = total;
    this.cost = cost;
  }

  int total() {
    return total;
  }

  /** Between nothing and all. */
  int of(Message message) {
    try {
      return Math.max(0, Math.min(total, cost.applyAsInt(message)));
    } catch (RuntimeException | Error e) {
      if (failureLogged.compareAndSet(false, true)) {
        LOG.warn("A cost function failed; such messages count as 1", e);
      }
      return Math.min(total, 1);
    }
  }
}
