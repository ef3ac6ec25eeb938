package dev.forebay.queue.dedup;

import java.time.Duration;
import java.util.Optional;

/** What a {@link DedupStore} answers to a claim. */
public sealed interface ClaimOutcome {

  /** The work is the claimant's, until the claim's term ends. */
  record Granted() implements ClaimOutcome {}

  /**
   * Somebody else has claimed the work and not finished it.
   *
   * @param remaining until that claim ends, if it is not extended
   */
  record InProgress(Duration remaining) implements ClaimOutcome {}

  /**
   * The work is finished; it must not be done again.
   *
   * @param result what was kept with the completion, if anything
   */
  record Finished(Optional<byte[]> result) implements ClaimOutcome {}
}
