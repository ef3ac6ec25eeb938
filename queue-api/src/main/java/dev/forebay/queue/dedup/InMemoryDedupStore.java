package dev.forebay.queue.dedup;

import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Remembers in the heap of this process: duplicates that reach it are found, those that reach
 * another process are not, and a restart forgets everything.
 *
 * <p>Bounded: where there is no room, the oldest completions are forgotten first. Claims are never
 * forgotten before their end; when there are only those, another claim is refused as {@link
 * ErrorCode#OVERLOADED}. Calls take O(log n) and no thread; what has expired is found when its
 * place is needed.
 *
 * <p>Thread-safe. Its futures are always completed already.
 */
public final class InMemoryDedupStore implements DedupStore {

  /** Room for an hour at 28 messages a second; some 20 MB when full. */
  private static final int DEFAULT_MAX_ENTRIES = 100_000;

  /** Results are meant to be small: an id, a status, a line of text. */
  private static final long DEFAULT_MAX_RESULT_BYTES = 16L << 20;

  private static final class Held {
    final DedupKey key;
    final UUID token;
    final long order;
    long untilNanos;

    Held(DedupKey key, UUID token, long order) {
      this.key = key;
      this.token = token;
      this.order = order;
    }
  }

  private static final class FirstToEnd implements Comparator<Held> {
    @Override
    public int compare(Held one, Held other) {
      // By difference, since nanoTime may overflow.
      int byEnd = Long.signum(one.untilNanos - other.untilNanos);
      return byEnd != 0 ? byEnd : Long.compare(one.order, other.order);
    }
  }

  private record Done(UUID token, long untilNanos) {}

  private final TimeSource time;
  private final int maxEntries;
  private final long maxResultBytes;

  private final Object lock = new Object();
  private final Map<DedupKey, Held> held = new HashMap<>();

  /** The claims of {@link #held}, the one that ends first in front. */
  private final TreeSet<Held> byEnd = new TreeSet<>(new FirstToEnd());

  /** Oldest first. */
  private final LinkedHashMap<DedupKey, Done> done = new LinkedHashMap<>();

  /** The results of some of {@link #done}, oldest first; those go before their completions do. */
  private final LinkedHashMap<DedupKey, byte[]> results = new LinkedHashMap<>();

  private long resultBytes;
  private long claims;

  private InMemoryDedupStore(Builder builder) {
    time = builder.time;
    maxEntries = builder.maxEntries;
    maxResultBytes = builder.maxResultBytes;
  }

  /** A store with room for 100,000 entries. */
  public static InMemoryDedupStore create() {
    return builder().build();
  }

  /** Starts to describe a store. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public CompletableFuture<ClaimOutcome> claim(Claim claim, Duration term) {
    long nanos = positiveNanos("The term of a claim", term);
    synchronized (lock) {
      long now = time.nanoTime();
      if (finished(claim.key(), now) != null) {
        byte[] result = results.get(claim.key());
        return CompletableFuture.completedFuture(
            new ClaimOutcome.Finished(
                result == null ? Optional.empty() : Optional.of(result.clone())));
      }
      Held holder = live(claim.key(), now);
      if (holder == null) {
        if (!makeRoom(now)) {
          return CompletableFuture.failedFuture(
              new QueueException(
                  ErrorCode.OVERLOADED,
                  "All "
                      + maxEntries
                      + " places of the dedup store are claims in progress. Give it more by"
                      + " maxEntries, at least one for each slot of every worker that uses it."));
        }
        holder = new Held(claim.key(), claim.token(), claims++);
        held.put(claim.key(), holder);
        holder.untilNanos = now + nanos;
        byEnd.add(holder);
      } else if (holder.token.equals(claim.token())) {
        moveEnd(holder, now + nanos);
      } else {
        return CompletableFuture.completedFuture(
            new ClaimOutcome.InProgress(Duration.ofNanos(holder.untilNanos - now)));
      }
      return CompletableFuture.completedFuture(new ClaimOutcome.Granted());
    }
  }

  @Override
  public CompletableFuture<Boolean> extend(Claim claim, Duration term) {
    long nanos = positiveNanos("The term of a claim", term);
    synchronized (lock) {
      long now = time.nanoTime();
      Held holder = own(claim, now);
      if (holder != null) {
        moveEnd(holder, now + nanos);
      }
      return CompletableFuture.completedFuture(holder != null);
    }
  }

  @Override
  public CompletableFuture<Boolean> complete(
      Claim claim, byte @Nullable [] result, Duration retention) {
    long nanos = positiveNanos("The retention of a completion", retention);
    synchronized (lock) {
      long now = time.nanoTime();
      Done before = finished(claim.key(), now);
      if (before != null) {
        return CompletableFuture.completedFuture(before.token.equals(claim.token()));
      }
      Held holder = own(claim, now);
      if (holder == null) {
        return CompletableFuture.completedFuture(false);
      }
      remove(holder);
      done.put(claim.key(), new Done(claim.token(), now + nanos));
      if (result != null && result.length <= maxResultBytes) {
        keepResult(claim.key(), result.clone());
      }
      return CompletableFuture.completedFuture(true);
    }
  }

  @Override
  public CompletableFuture<Boolean> release(Claim claim) {
    synchronized (lock) {
      Held holder = own(claim, time.nanoTime());
      if (holder != null) {
        remove(holder);
      }
      return CompletableFuture.completedFuture(holder != null);
    }
  }

  /** How many claims and completions it holds, expired ones among them; at most its bound. */
  public int size() {
    synchronized (lock) {
      return held.size() + done.size();
    }
  }

  private @Nullable Done finished(DedupKey key, long now) {
    Done finished = done.get(key);
    if (finished != null && finished.untilNanos - now <= 0) {
      done.remove(key);
      forgetResult(key);
      return null;
    }
    return finished;
  }

  /** The claim on a key that has not ended. */
  private @Nullable Held live(DedupKey key, long now) {
    Held holder = held.get(key);
    if (holder != null && holder.untilNanos - now <= 0) {
      remove(holder);
      return null;
    }
    return holder;
  }

  /** The live claim on a key, if it is this one. */
  private @Nullable Held own(Claim claim, long now) {
    Held holder = live(claim.key(), now);
    return holder != null && holder.token.equals(claim.token()) ? holder : null;
  }

  private void moveEnd(Held holder, long untilNanos) {
    byEnd.remove(holder);
    holder.untilNanos = untilNanos;
    byEnd.add(holder);
  }

  private void remove(Held holder) {
    held.remove(holder.key);
    byEnd.remove(holder);
  }

  /** Whether there is a place now, if need be that of an ended claim or the oldest completion. */
  private boolean makeRoom(long now) {
    if (held.size() + done.size() < maxEntries) {
      return true;
    }
    if (!byEnd.isEmpty() && byEnd.first().untilNanos - now <= 0) {
      remove(byEnd.first());
      return true;
    }
    if (done.isEmpty()) {
      return false;
    }
    forgetOldest();
    return true;
  }

  private void forgetOldest() {
    DedupKey oldest = done.keySet().iterator().next();
    done.remove(oldest);
    forgetResult(oldest);
  }

  private void keepResult(DedupKey key, byte[] result) {
    results.put(key, result);
    resultBytes += result.length;
    while (resultBytes > maxResultBytes) {
      forgetResult(results.keySet().iterator().next());
    }
  }

  private void forgetResult(DedupKey key) {
    byte[] result = results.remove(key);
    if (result != null) {
      resultBytes -= result.length;
    }
  }

  private static long positiveNanos(String what, Duration duration) {
    if (duration.isNegative() || duration.isZero()) {
      throw new IllegalArgumentException(what + " must be positive, not " + duration);
    }
    // A century, far enough from the range of a long for differences not to overflow.
    Duration longest = Duration.ofDays(36_500);
    return (duration.compareTo(longest) < 0 ? duration : longest).toNanos();
  }

  /** Describes a store; {@link #build} makes it. Not thread-safe. */
  public static final class Builder {

    private TimeSource time = SystemTimeSource.get();
    private int maxEntries = DEFAULT_MAX_ENTRIES;
    private long maxResultBytes = DEFAULT_MAX_RESULT_BYTES;

    private Builder() {}

    /** Where the time comes from; the same source as the worker's. */
    public Builder time(TimeSource source) {
      time = Objects.requireNonNull(source);
      return this;
    }

    /**
     * How many claims and completions there is room for, 100,000 unless set: some 200 bytes each.
     */
    public Builder maxEntries(int count) {
      if (count < 1) {
        throw new IllegalArgumentException("A dedup store needs at least 1 entry, not " + count);
      }
      maxEntries = count;
      return this;
    }

    /**
     * How many bytes of results there is room for, 16 MiB unless set. Where there is none, the
     * oldest results are forgotten, not their completions.
     */
    public Builder maxResultBytes(long bytes) {
      if (bytes < 0) {
        throw new IllegalArgumentException("A size must not be negative: " + bytes);
      }
      maxResultBytes = bytes;
      return this;
    }

    /** Makes the store. */
    public InMemoryDedupStore build() {
      return new InMemoryDedupStore(this);
    }
  }
}
