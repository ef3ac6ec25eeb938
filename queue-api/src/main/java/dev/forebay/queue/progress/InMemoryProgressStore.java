package dev.forebay.queue.progress;

import dev.forebay.queue.dedup.DedupKey;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Remembers in the heap of this process: a retry that reaches it goes on, one that reaches another
 * process begins anew, and a restart forgets everything.
 *
 * <p>Bounded in entries and bytes: where there is no room, what was not saved again for the longest
 * time is forgotten. Calls take O(1) and no thread; what has expired is found when it is asked for
 * or its place is needed.
 *
 * <p>Thread-safe. Its futures are always completed already.
 */
public final class InMemoryProgressStore implements ProgressStore {

  /** One for each slot of a large worker. */
  private static final int DEFAULT_MAX_ENTRIES = 10_000;

  /** A thousand of the largest. */
  private static final long DEFAULT_MAX_BYTES = 64L << 20;

  private static final class Entry {
    final byte[] progress;
    final long untilNanos;
    long token;

    Entry(byte[] progress, long untilNanos, long token) {
      this.progress = progress;
      this.untilNanos = untilNanos;
      this.token = token;
    }
  }

  private final TimeSource time;
  private final int maxEntries;
  private final long maxBytes;

  private final Object lock = new Object();

  /** The one that was saved longest ago in front. */
  private final Map<DedupKey, Entry> entries = new LinkedHashMap<>();

  private long bytes;

  private InMemoryProgressStore(Builder builder) {
    time = builder.time;
    maxEntries = builder.maxEntries;
    maxBytes = builder.maxBytes;
  }

  /** A store with room for 10,000 entries and 64 MiB. */
  public static InMemoryProgressStore create() {
    return builder().build();
  }

  /** Starts to describe a store. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public CompletableFuture<Optional<byte[]>> load(DedupKey work, long token) {
    synchronized (lock) {
      Entry entry = live(work);
      if (entry == null) {
        return CompletableFuture.completedFuture(Optional.empty());
      }
      entry.token = Math.max(entry.token, token);
      return CompletableFuture.completedFuture(Optional.of(entry.progress.clone()));
    }
  }

  @Override
  public CompletableFuture<Boolean> save(
      DedupKey work, long token, byte[] progress, Duration retention) {
    if (progress.length > MAX_BYTES) {
      throw new IllegalArgumentException(
          "Progress of " + progress.length + " bytes is too large; at most " + MAX_BYTES + " are.");
    }
    long nanos = positiveNanos(retention);
    synchronized (lock) {
      Entry before = live(work);
      if (before != null && before.token > token) {
        return CompletableFuture.completedFuture(false);
      }
      if (before != null) {
        remove(work, before);
      }
      entries.put(work, new Entry(progress.clone(), time.nanoTime() + nanos, token));
      bytes += progress.length;
      makeRoom();
      return CompletableFuture.completedFuture(true);
    }
  }

  @Override
  public CompletableFuture<Boolean> clear(DedupKey work, long token) {
    synchronized (lock) {
      Entry entry = live(work);
      boolean clears = entry != null && entry.token <= token;
      if (entry != null && clears) {
        remove(work, entry);
      }
      return CompletableFuture.completedFuture(clears);
    }
  }

  /** How many entries it holds, expired ones among them; at most its bound. */
  public int size() {
    synchronized (lock) {
      return entries.size();
    }
  }

  private @Nullable Entry live(DedupKey work) {
    Entry entry = entries.get(work);
    if (entry != null && entry.untilNanos - time.nanoTime() <= 0) {
      remove(work, entry);
      return null;
    }
    return entry;
  }

  private void remove(DedupKey work, Entry entry) {
    entries.remove(work);
    bytes -= entry.progress.length;
  }

  private void makeRoom() {
    Iterator<Entry> oldest = entries.values().iterator();
    while (entries.size() > maxEntries || bytes > maxBytes) {
      bytes -= oldest.next().progress.length;
      oldest.remove();
    }
  }

  private static long positiveNanos(Duration retention) {
    if (retention.isNegative() || retention.isZero()) {
      throw new IllegalArgumentException("A retention must be positive, not " + retention);
    }
    // A century, far enough from the range of a long for differences not to overflow.
    Duration longest = Duration.ofDays(36_500);
    return (retention.compareTo(longest) < 0 ? retention : longest).toNanos();
  }

  /** Describes a store; {@link #build} makes it. Not thread-safe. */
  public static final class Builder {

    private TimeSource time = SystemTimeSource.get();
    private int maxEntries = DEFAULT_MAX_ENTRIES;
    private long maxBytes = DEFAULT_MAX_BYTES;

    private Builder() {}

    /** Where the time comes from; the same source as the worker's. */
    public Builder time(TimeSource source) {
      time = Objects.requireNonNull(source);
      return this;
    }

    /** How many messages' progress there is room for, 10,000 unless set. */
    public Builder maxEntries(int count) {
      if (count < 1) {
        throw new IllegalArgumentException("A progress store needs at least 1 entry, not " + count);
      }
      maxEntries = count;
      return this;
    }

    /** How many bytes of progress there is room for, 64 MiB unless set. */
    public Builder maxBytes(long count) {
      if (count < MAX_BYTES) {
        throw new IllegalArgumentException(
            "A progress store needs room for one of the largest, "
                + MAX_BYTES
                + " bytes, not "
                + count);
      }
      maxBytes = count;
      return this;
    }

    /** Makes the store. */
    public InMemoryProgressStore build() {
      return new InMemoryProgressStore(this);
    }
  }
}
