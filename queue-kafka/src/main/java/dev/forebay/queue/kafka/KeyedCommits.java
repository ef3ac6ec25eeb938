package dev.forebay.queue.kafka;

import dev.forebay.queue.kafka.KeyedBuffer.Load;
import dev.forebay.queue.kafka.KeyedPartition.Commit;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.OffsetMetadataTooLarge;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;

/**
 * Commits what the ledgers say: by demand while acks wait, else after the commit interval.
 *
 * <p>One commit is under way at a time, so that none can overtake another and commits never go back
 * (C2); what was resolved meanwhile goes with the next one. The next waits twice as long as the
 * last ones took, and some milliseconds, and while more and more acks come in some more, so that a
 * busy queue commits ten times a second, or with every few hundred acks, and a single ack at once;
 * but never long, since a commit from before an outage is answered after it, and acks must not wait
 * for a second one of their own. A commit that fails is tried again with what the ledgers say then,
 * for as long as the partition is ours: also one that a rebalance refused.
 *
 * <p>Belongs to the consumer's thread.
 */
final class KeyedCommits {

  /** The least between a commit's answer and the next one. */
  private static final Duration BETWEEN = Duration.ofMillis(5);

  /**
   * How long after the last commit's answer the next one waits at most while more and more acks
   * come in; half of the commit interval where that is less.
   */
  private static final Duration GATHERING = Duration.ofMillis(100);

  /** Between the first two looks whether more have come; then twice as long. */
  private static final Duration FIRST_GATHERING = Duration.ofMillis(2);

  /**
   * Looks while somebody waits for a record; the client is asked in each, and once it is enough.
   */
  private static final int LOOKS_WHEN_HUNGRY = 2;

  /** So few need not be gathered, and so many are enough for a commit. */
  private static final int FEW = 4;

  static final int MANY = 256;

  /** The most between a commit's answer and the next one, however long the answer took. */
  private static final Duration MOST_BETWEEN = Duration.ofMillis(200);

  /** Between two looks for the answer of a commit, at least and at most. */
  private static final Duration MIN_LOOK = Duration.ofMillis(1);

  private static final Duration MAX_FIRST_LOOK = Duration.ofMillis(5);

  private static final Duration MAX_LOOK = Duration.ofMillis(50);

  /** Between commits that fail. */
  private static final Duration AFTER_FAILURE = Duration.ofMillis(100);

  /** A commit that waits; the consumer itself asks again within this time. */
  private static final Duration ATTEMPT = Duration.ofSeconds(2);

  private final KeyedSettings settings;
  private final TimeSource time;
  private final KeyedBuffer buffer;
  private final KeyedCounters counters;
  private final Trouble trouble;
  private final long gatheringNanos;
  private boolean inFlight;
  private long begun;
  private long gathered;
  private int gatheringSteps;
  private long answeredAt;
  private long took;
  private long tookBefore;
  private long firstLook;
  private long notBefore;
  private long dirtySince;
  private boolean anyDirty;

  KeyedCommits(
      KeyedSettings settings, KeyedBuffer buffer, KeyedCounters counters, Trouble trouble) {
    this.settings = settings;
    this.time = settings.time();
    this.buffer = buffer;
    this.counters = counters;
    this.trouble = trouble;
    this.gatheringNanos = Math.min(GATHERING.toNanos(), settings.commitInterval().toNanos() / 2);
    this.notBefore = time.nanoTime();
    this.answeredAt = notBefore;
  }

  /** Whether a commit is under way; its answer comes within a poll of the consumer. */
  boolean inFlight() {
    return inFlight;
  }

  /** Whether the next commit waits for more acks to go with it. */
  boolean isGathering() {
    return gathered > 0;
  }

  /**
   * How long to wait for the answer before the next look at other work: somewhat less than the last
   * one took, and later a tenth of what this one has taken so far, so that an outage is no reason
   * to spin.
   */
  Duration patience() {
    long waited = time.nanoTime() - begun;
    long look = Math.max(MIN_LOOK.toNanos(), Math.max(firstLook - waited, waited / 10));
    return Duration.ofNanos(Math.min(MAX_LOOK.toNanos(), look));
  }

  /** How long it takes until the next commit may begin; nothing or less when it may now. */
  long untilAllowed() {
    return notBefore - time.nanoTime();
  }

  /** The consumer is a new one: the answer of the old one's commit never comes. */
  void reset() {
    inFlight = false;
    gatherAnew();
  }

  private void gatherAnew() {
    gathered = 0;
    gatheringSteps = 0;
  }

  /** Commits if it is time to. */
  void commit(Consumer<?, ?> consumer, Collection<KeyedPartition> partitions, Load load) {
    long acksWaiting = load.acksWaiting();
    long now = time.nanoTime();
    if (acksWaiting == 0) {
      // They went otherwise, as with their partition: nobody is to wait for more of them.
      gatherAnew();
    }
    boolean early = now - notBefore < 0 && !(isGathering() && acksWaiting >= MANY);
    if (inFlight || early || !(acksWaiting > 0 || isDirtyForLong(partitions, now))) {
      return;
    }
    if (isGathering(load, now)) {
      return;
    }
    gatherAnew();
    List<Commit> commits = take(partitions, false);
    if (commits.isEmpty()) {
      return;
    }
    anyDirty = false;
    inFlight = true;
    begun = now;
    // What is not confirmed takes room in the buffer, of which a lively queue needs all.
    firstLook = acksWaiting >= MANY ? 0 : Math.min(took - took / 8, MAX_FIRST_LOOK.toNanos());
    try {
      consumer.commitAsync(offsets(commits), (offsets, error) -> done(commits, error));
    } catch (KafkaException | IllegalStateException e) {
      done(commits, e);
    }
  }

  /**
   * Whether acks come in faster than they are looked at: then one commit takes many of them. Those
   * who wait for one ack before the next come to a standstill instead, and are answered.
   */
  private boolean isGathering(Load load, long now) {
    long acksWaiting = load.acksWaiting();
    long left = answeredAt + gatheringNanos - now;
    if (acksWaiting <= FEW || acksWaiting >= MANY || acksWaiting == gathered || left <= 0) {
      return false;
    }
    gathered = acksWaiting;
    boolean once = load.hungry() && gatheringSteps >= LOOKS_WHEN_HUNGRY;
    notBefore = now + (once ? left : Math.min(left, FIRST_GATHERING.toNanos() << gatheringSteps));
    gatheringSteps++;
    return true;
  }

  private boolean isDirtyForLong(Collection<KeyedPartition> partitions, long now) {
    if (!anyDirty) {
      buffer.locked(() -> anyDirty = partitions.stream().anyMatch(partition -> partition.dirty));
      dirtySince = now;
      // Looked at once a loop: by then it has been so for no time worth counting.
      return false;
    }
    return now - dirtySince >= settings.commitInterval().toNanos();
  }

  private List<Commit> take(Collection<KeyedPartition> partitions, boolean again) {
    List<Commit> commits = new ArrayList<>();
    buffer.locked(
        () -> {
          for (KeyedPartition partition : partitions) {
            if (partition.dirty || (again && partition.isAckWaiting())) {
              boolean wasNear = partition.nearCeiling;
              Commit commit = partition.commit();
              if (commit != null) {
                commits.add(commit);
              }
              if (partition.nearCeiling && !wasNear) {
                counters.ceilingStops.increment();
              }
            }
          }
        });
    return commits;
  }

  private static Map<TopicPartition, OffsetAndMetadata> offsets(List<Commit> commits) {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    commits.forEach(commit -> offsets.put(commit.partition().id, commit.value()));
    return offsets;
  }

  private void done(List<Commit> commits, @Nullable Exception error) {
    inFlight = false;
    long now = time.nanoTime();
    if (error == null) {
      tookBefore = took;
      took = now - begun;
      answeredAt = now;
      // One that took long alone is a collection or a hiccup, of which the acks pile up already.
      long pause = Math.max(BETWEEN.toNanos(), 2 * Math.min(took, tookBefore));
      notBefore = now + Math.min(MOST_BETWEEN.toNanos(), pause);
      counters.commits.increment();
      trouble.over();
      buffer.confirmed(commits);
    } else {
      notBefore = now + AFTER_FAILURE.toNanos();
      failed(commits, error);
    }
  }

  private void failed(List<Commit> commits, Exception error) {
    counters.commitFailures.increment();
    // A rebalance refuses commits for as long as it takes, and the wake-up was meant for the poll
    // in which it happens, which is no trouble.
    if (!(error instanceof OffsetMetadataTooLarge
        || error instanceof RebalanceInProgressException
        || error instanceof WakeupException)) {
      trouble.seen(error);
    }
    buffer.locked(
        () -> {
          for (Commit commit : commits) {
            commit.partition().dirty = true;
            if (error instanceof OffsetMetadataTooLarge) {
              commit.partition().metadataTooLong();
            }
          }
        });
  }

  /**
   * Commits and waits for the answer; tries again until {@code until} where that can help.
   *
   * @return whether the broker has everything
   */
  boolean commitNow(Consumer<?, ?> consumer, Collection<KeyedPartition> partitions, long until) {
    while (true) {
      // What is under way is confirmed, or sent again, by a commit that waits for its answer.
      List<Commit> commits = take(partitions, inFlight);
      if (commits.isEmpty()) {
        return true;
      }
      long left = until - time.nanoTime();
      try {
        // Answers of commits under way come within this call, too.
        consumer.commitSync(
            offsets(commits),
            Duration.ofNanos(Math.max(1_000_000, Math.min(left, ATTEMPT.toNanos()))));
        counters.commits.increment();
        buffer.confirmed(commits);
        return true;
      } catch (InterruptException e) {
        failed(commits, e);
        return false;
      } catch (KafkaException | IllegalStateException e) {
        failed(commits, e);
        if (until - time.nanoTime() <= 0 || !pause()) {
          return false;
        }
      }
    }
  }

  private boolean pause() {
    try {
      buffer.pause(AFTER_FAILURE.dividedBy(4));
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
