package dev.forebay.queue.dedup;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Remembers which work is claimed and which is finished: claim, do the work, complete (U2).
 *
 * <p>What it must keep, whatever happens to it: it says {@link ClaimOutcome.Finished} only of work
 * that was completed under this very key (U3), and at most one claim on a key is live at any time.
 * What it may do at any time is forget: then work is done once more, and nothing is lost. A store
 * that has no room or cannot be reached fails the call; it never guesses.
 *
 * <p>Every method returns at once, and its future ends within a bound of the store's own, normally
 * or with a {@link dev.forebay.queue.QueueException}. A call that failed may have been applied;
 * repeating it with the same {@link Claim} is safe. Futures may complete on a thread of the store,
 * so continuations must be short.
 *
 * <p>Implementations are thread-safe. A worker never closes its store.
 */
public interface DedupStore {

  /**
   * Asks for a piece of work. Granted when nobody has claimed or finished it, and granted again,
   * with a new term, to the claim that holds it.
   *
   * @param term positive; how long the claim lasts unless extended: what a crash costs in time
   * @return granted, in progress or finished; {@link dev.forebay.queue.ErrorCode#OVERLOADED} when
   *     there is no room for another claim
   */
  CompletableFuture<ClaimOutcome> claim(Claim claim, Duration term);

  /**
   * Sets the end of a live claim to {@code term} from now.
   *
   * @return false when the claim is no longer live, and nothing was changed
   */
  CompletableFuture<Boolean> extend(Claim claim, Duration term);

  /**
   * Turns a live claim into a completion: from now on the work is finished. Completing again with
   * the same claim says true and changes nothing.
   *
   * @param result kept with the completion if there is room, for the answer to a duplicate
   * @param retention positive; how long the completion is remembered, at most
   * @return false when the claim is no longer live (it expired, was released or forgotten): nothing
   *     was changed, and whoever holds the work now goes on with it
   */
  CompletableFuture<Boolean> complete(Claim claim, byte @Nullable [] result, Duration retention);

  /**
   * Gives a live claim up, so that the work can be claimed again at once.
   *
   * @return false when the claim was no longer live, and nothing was changed
   */
  CompletableFuture<Boolean> release(Claim claim);
}
