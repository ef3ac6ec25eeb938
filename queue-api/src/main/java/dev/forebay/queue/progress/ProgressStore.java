package dev.forebay.queue.progress;

import dev.forebay.queue.dedup.DedupKey;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Keeps how far unfinished work has come, so that its next attempt goes on from there instead of
 * from the start.
 *
 * <p>Attempts carry the fencing token of their delivery. What a later attempt has read or saved is
 * not changed by an earlier one: a worker that was thought dead and still runs cannot put the one
 * that took over back.
 *
 * <p>What a store may do at any time is forget: then work begins anew, and nothing is lost. It
 * never returns anything but the last progress saved for this very key, byte for byte.
 *
 * <p>Every method returns at once, and its future ends within a bound of the store's own, normally
 * or with a {@link dev.forebay.queue.QueueException}. A call that failed may have been applied;
 * repeating it is safe. Futures may complete on a thread of the store, so continuations must be
 * short.
 *
 * <p>Implementations are thread-safe. A worker never closes its store.
 */
public interface ProgressStore {

  /**
   * What was saved last. From now on attempts with a smaller token can neither replace nor clear
   * it.
   *
   * @return empty when there is nothing
   */
  CompletableFuture<Optional<byte[]>> load(DedupKey work, long token);

  /**
   * Replaces what was saved before.
   *
   * @param progress at most {@link #MAX_BYTES}
   * @param retention positive; how long it is kept unless it is saved again
   * @return false when an attempt with a larger token has read or saved what is there: nothing was
   *     changed
   * @throws IllegalArgumentException above that size, and for a retention that is not positive
   */
  CompletableFuture<Boolean> save(DedupKey work, long token, byte[] progress, Duration retention);

  /**
   * Forgets it: the work is done.
   *
   * @return false when there was nothing, or an attempt with a larger token has read or saved what
   *     is there, and nothing was changed
   */
  CompletableFuture<Boolean> clear(DedupKey work, long token);

  /** What {@link #save} takes at most: 64 KiB. Keep more than that elsewhere, and here where. */
  int MAX_BYTES = 65_536;
}
