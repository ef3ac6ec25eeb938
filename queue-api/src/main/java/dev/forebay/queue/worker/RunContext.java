package dev.forebay.queue.worker;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a handler sees of its {@link Run}: the message, the lease, the progress, the drain.
 * Thread-safe.
 */
abstract class RunContext implements HandlerContext {

  final @Nullable Lane lane;
  final Delivery delivery;
  final TimeSource time;

  private volatile byte @Nullable [] keptResult;
  private volatile boolean hasProgress;
  private volatile boolean handedBack;

  /**
   * Of this delivery.
   *
   * @param lane where it came from; null only in tests that have no worker
   */
  RunContext(@Nullable Lane lane, Delivery delivery, TimeSource time) {
    this.lane = lane;
    this.delivery = delivery;
    this.time = time;
  }

  /** Where it came from and is settled. */
  Lane lane() {
    return Objects.requireNonNull(lane);
  }

  /** Whether a checkpoint has ended the attempt, whatever its handler says (S1). */
  boolean wasHandedBack() {
    return handedBack;
  }

  /** Whether there may be saved progress, to be forgotten with the ack. */
  boolean mayHaveProgress() {
    return lane != null && lane.progress != null && (hasProgress || !delivery.attempts().isNone());
  }

  @Nullable Instant deadlineOrNull() {
    return delivery.message().deadline().orElse(null);
  }

  byte @Nullable [] keptResult() {
    return keptResult;
  }

  @Override
  public void keepResult(byte[] result) {
    if (result.length > MAX_RESULT_BYTES) {
      throw new IllegalArgumentException(
          "A result of "
              + result.length
              + " bytes is too large to be kept; at most "
              + MAX_RESULT_BYTES
              + " are. Keep where it is instead.");
    }
    keptResult = result.clone();
  }

  @Override
  public Optional<byte[]> progress() {
    if (lane == null || lane.progress == null) {
      return Optional.empty();
    }
    Optional<byte[]> found = lane.progress.load(delivery);
    if (found.isPresent()) {
      hasProgress = true;
    }
    return found;
  }

  @Override
  public boolean saveProgress(byte[] progress) {
    if (progress.length > MAX_PROGRESS_BYTES) {
      throw new IllegalArgumentException(
          "Progress of "
              + progress.length
              + " bytes is too large to be saved; at most "
              + MAX_PROGRESS_BYTES
              + " are. Save where it is instead.");
    }
    if (lane == null || lane.progress == null) {
      return false;
    }
    hasProgress = true;
    return lane.progress.save(delivery, progress);
  }

  @Override
  public void checkpoint(byte[] progress) {
    boolean saved = saveProgress(progress);
    if (lane != null && lane.stopping.wantsCheckpoints()) {
      handedBack = true;
      throw new GiveBackException(
          "The worker drains; the message is given back "
              + (saved ? "with its progress saved" : "without its progress"));
    }
  }

  @Override
  public boolean isDraining() {
    return lane != null && lane.stopping.get();
  }

  @Override
  public Optional<Duration> drainRemaining() {
    return lane == null ? Optional.empty() : lane.stopping.remaining();
  }

  @Override
  public Delivery delivery() {
    return delivery;
  }

  @Override
  public int attempt() {
    return delivery.attempt();
  }

  @Override
  public Optional<Instant> deadline() {
    return delivery.message().deadline();
  }

  @Override
  public Optional<Duration> timeRemaining() {
    return deadline()
        .map(
            deadline -> {
              Duration left = Duration.between(time.now(), deadline);
              return left.isNegative() ? Duration.ZERO : left;
            });
  }

  @Override
  public Duration leaseRemaining() {
    return delivery.leaseRemaining();
  }

  @Override
  public long fencingToken() {
    return delivery.fencingToken();
  }
}
