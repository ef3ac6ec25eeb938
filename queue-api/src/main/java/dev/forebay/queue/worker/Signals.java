package dev.forebay.queue.worker;

import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the listeners and keeps their failures from the worker. Where there is none, the callers
 * ask {@link #heard} first and make no event. Thread-safe.
 */
final class Signals {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final WorkerListener[] listeners;
  private final AtomicBoolean failureLogged = new AtomicBoolean();

  Signals(List<WorkerListener> listeners) {
    this.listeners = listeners.toArray(WorkerListener[]::new);
  }

  /** Whether anybody listens. */
  boolean heard() {
    return listeners.length > 0;
  }

  /** Tells every listener. */
  void tell(Consumer<WorkerListener> event) {
    for (WorkerListener listener : listeners) {
      try {
        event.accept(listener);
      } catch (RuntimeException | Error e) {
        if (failureLogged.compareAndSet(false, true)) {
          LOG.warn(
              "A worker listener failed, {}; the worker goes on, further failures are not logged",
              listener.getClass().getName(),
              e);
        }
      }
    }
  }
}
