package dev.forebay.queue.worker;

import dev.forebay.queue.dedup.Claim;
import dev.forebay.queue.dedup.ClaimOutcome;
import dev.forebay.queue.dedup.DedupKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One piece of work that is being done in this worker, once for all its deliveries. The followers
 * are added by {@link DedupStep} while the flight is in its map and taken once it is out of it, by
 * whoever comes first: its end, or the loss of the leader's lease. The rest belongs to the thread
 * that runs the leader, but for what {@link ClaimKeeper} reads.
 */
final class Flight {

  final DedupKey key;
  final Run leader;
  final Claim claim;

  private List<Run> followers = new ArrayList<>();

  /** The answer to the claim that was asked for; only for the thread that runs the leader. */
  @Nullable CompletableFuture<ClaimOutcome> asked;

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

  /** Keeps a run until this flight ends. */
  synchronized void follow(Run run) {
    followers.add(run);
  }

  /** Takes out those that are kept: each of them belongs to one caller only. */
  synchronized List<Run> takeFollowers() {
    List<Run> taken = followers;
    followers = new ArrayList<>();
    return taken;
  }
}
