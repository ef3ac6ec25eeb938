package dev.forebay.queue.worker;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.progress.ProgressStore;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The worker's side of a progress store: what handlers save, keyed by their message and fenced by
 * their delivery's token. A store that fails costs repeated work and nothing else: the handler is
 * told so and goes on.
 *
 * <p>Thread-safe.
 */
final class ProgressKeeper {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  /** Longer than a store's own bound: only for one that does not keep its promise. */
  private static final Duration STORE_TIMEOUT = Duration.ofSeconds(5);

  private final ProgressStore store;
  private final Duration retention;
  private final TimeSource time;
  private final Signals signals;
  private final AtomicBoolean storeDown = new AtomicBoolean();

  ProgressKeeper(ProgressStore store, Duration retention, TimeSource time, Signals signals) {
    this.store = store;
    this.retention = retention;
    this.time = time;
    this.signals = signals;
  }

  /** What was saved last for this message; empty when nothing was, and when the store fails. */
  Optional<byte[]> load(Delivery delivery) {
    try {
      Optional<byte[]> found = bounded(store.load(keyOf(delivery), token(delivery))).join();
      works();
      return found;
    } catch (RuntimeException e) {
      failed("tell the progress of a message, which begins anew", e);
      return Optional.empty();
    }
  }

  /** Returns whether it is saved. */
  boolean save(Delivery delivery, byte[] progress) {
    try {
      boolean saved =
          bounded(store.save(keyOf(delivery), token(delivery), progress, retention)).join();
      works();
      if (!saved) {
        LOG.debug("{} has been overtaken: its progress is not saved", delivery);
      } else if (signals.heard()) {
        signals.tell(listener -> listener.progressSaved(delivery, progress.length));
      }
      return saved;
    } catch (RuntimeException e) {
      failed("save the progress of a message", e);
      return false;
    }
  }

  /** The message is done; the slots count it as a settlement, so that a closing worker waits. */
  void clear(Delivery delivery, Slots slots) {
    slots.settlementBegins();
    CompletableFuture<Boolean> cleared;
    try {
      cleared = bounded(store.clear(keyOf(delivery), token(delivery)));
    } catch (RuntimeException e) {
      cleared = CompletableFuture.failedFuture(e);
    }
    CompletableFuture<Boolean> unused =
        cleared.whenComplete(
            (done, failure) -> {
              if (failure != null) {
                failed("forget the progress of a finished message, which ends by itself", failure);
              }
              slots.settlementEnds();
            });
  }

  private static long token(Delivery delivery) {
    return delivery.fencingToken();
  }

  private static DedupKey keyOf(Delivery delivery) {
    // With its time: a topic that was made anew counts its records from 0 again.
    return DedupKey.of(
        "progress",
        delivery.queue().name(),
        delivery.id(),
        Long.toString(delivery.enqueuedAt().toEpochMilli()));
  }

  private <T> CompletableFuture<T> bounded(CompletableFuture<T> call) {
    return Bounded.within(STORE_TIMEOUT, time, "progress store", call);
  }

  private void works() {
    if (storeDown.get() && storeDown.compareAndSet(true, false)) {
      LOG.info("The progress store works again");
      if (signals.heard()) {
        signals.tell(listener -> listener.storeUp(StoreKind.PROGRESS));
      }
    }
  }

  private void failed(String what, @Nullable Throwable failure) {
    if (storeDown.compareAndSet(false, true)) {
      LOG.warn("The progress store failed to {}; work goes on without it", what, failure);
      if (signals.heard()) {
        signals.tell(listener -> listener.storeDown(StoreKind.PROGRESS, failure));
      }
    }
  }
}
