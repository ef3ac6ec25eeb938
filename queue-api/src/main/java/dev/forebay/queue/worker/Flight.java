package dev.forebay.queue.worker;

import dev.forebay.queue.dedup.Claim;
import dev.forebay.queue.dedup.DedupKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * One piece of work that is being done in this worker, once for all its deliveries. The followers
 * are guarded by the map of {@link DedupStep}, in whose bins alone they are added; the rest belongs
 * to the thread that runs the leader, but for what {@link ClaimKeeper} reads.
 */
final class Flight {

  final DedupKey key;
  final Run leader;
  final Claim claim;
  final List<Run> followers = new ArrayList<>();

  /** Whether the store has granted the claim, as far as known. */
  volatile boolean claimed;

  /** What the claim was taken or extended for. */
  volatile Duration term = Duration.ZERO;

  /** When that was asked for. */
  volatile long termFromNanos;

  /** Whether an extension is under way; only one at a time. */
  volatile boolean extending;

  Flight(DedupKey key, Run leader) {
    this.key = key;
    this.leader = leader;
    this.claim = Claim.on(key);
  }
}
