package dev.forebay.queue.worker;

import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets work in, keeps it out, or lets so much in a second (W6): while a model loads, while the GPU
 * is out of memory, after a downstream's 429. A worker behind a closed gate does not poll, and
 * gives back untried, without burning an attempt, what it had received but not started; what runs
 * goes on.
 *
 * <pre>{@code
 * Gate loading = Gate.closed();
 * Worker worker = Worker.builder(queue).gate(loading).handler(...).start();
 * model.load();
 * loading.open();
 * }</pre>
 *
 * <p>One gate may stand before several workers, which then share its rate. Thread-safe.
 */
public final class Gate {

  /** How long nobody has to look at a gate that tells of its changes. */
  static final Duration FOR_EVER = Duration.ofDays(36_500);

  /** How soon to look at a rate that had something to give, which others may have taken. */
  private static final Duration SHARED_RATE = Duration.ofMillis(100);

  private final TimeSource time;
  private final @Nullable BooleanSupplier condition;
  private final Duration lookEvery;
  private final @Nullable TokenBucket bucket;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

  private final Object lock = new Object();
  // Written under the lock.
  private volatile boolean closed;
  private @Nullable Long openAgainNanos;
  // One, however often the gate is closed for a while: ten thousand handlers may be throttled.
  private TimeSource.@Nullable Timer timer;

  private Gate(
      TimeSource time,
      boolean closed,
      @Nullable BooleanSupplier condition,
      Duration lookEvery,
      @Nullable TokenBucket bucket) {
    this.time = time;
    this.closed = closed;
    this.condition = condition;
    this.lookEvery = lookEvery;
    this.bucket = bucket;
  }

  /** A gate that stands open. */
  public static Gate opened() {
    return opened(SystemTimeSource.get());
  }

  /** A gate that stands open, with this time source for {@link #close(Duration)}. */
  public static Gate opened(TimeSource time) {
    return new Gate(time, false, null, FOR_EVER, null);
  }

  /** A gate that stands closed. */
  public static Gate closed() {
    return new Gate(SystemTimeSource.get(), true, null, FOR_EVER, null);
  }

  /**
   * A gate that is open while this condition holds, such as enough free GPU memory.
   *
   * @param condition quick and thread-safe; one that throws counts as closed
   * @param lookEvery how often it is asked while it does not hold
   */
  public static Gate when(BooleanSupplier condition, Duration lookEvery) {
    requirePositive(lookEvery);
    return new Gate(
        SystemTimeSource.get(), false, Objects.requireNonNull(condition), lookEvery, null);
  }

  /** A gate that lets at most this many messages a second in, and so many at once after a pause. */
  public static Gate perSecond(double rate, int burst) {
    return perSecond(rate, burst, SystemTimeSource.get());
  }

  /** A gate with a rate, by this time source. */
  public static Gate perSecond(double rate, int burst, TimeSource time) {
    return new Gate(time, false, null, FOR_EVER, new TokenBucket(rate, burst, time));
  }

  /** Opens it, whatever closed it. */
  public void open() {
    set(false, null);
  }

  /** Closes it until {@link #open}. */
  public void close() {
    set(true, null);
  }

  /**
   * Closes it for this long, for instance for a Retry-After; it opens by itself. Several such calls
   * leave it closed for the longest of them; a gate that is closed without an end stays so.
   */
  public void close(Duration atMost) {
    if (atMost.isNegative() || atMost.isZero()) {
      return;
    }
    // A downstream may ask for any time; none of us lives longer than that.
    Duration bounded = atMost.compareTo(FOR_EVER) < 0 ? atMost : FOR_EVER;
    synchronized (lock) {
      long until = time.nanoTime() + bounded.toNanos();
      if (closed && (openAgainNanos == null || openAgainNanos - until >= 0)) {
        return;
      }
      closed = true;
      openAgainNanos = until;
      if (timer == null) {
        timer = time.schedule(bounded, this::openIfDue);
      }
    }
    changed();
  }

  /** Whether it lets work in now, the rate apart. */
  public boolean isOpen() {
    return !closed && holds();
  }

  /** How many messages may come in now. */
  int room() {
    if (!isOpen()) {
      return 0;
    }
    return bucket == null ? Integer.MAX_VALUE : bucket.available();
  }

  /** So many came in. */
  void took(int count) {
    if (bucket != null) {
      bucket.take(count);
    }
  }

  /** How long to wait before looking again, if nobody says anything meanwhile. */
  Duration lookAgainAfter() {
    if (condition != null) {
      return lookEvery;
    }
    if (bucket == null) {
      return FOR_EVER;
    }
    Duration until = bucket.untilAvailable();
    return until.isZero() ? SHARED_RATE : until;
  }

  /** Tells this whenever the gate may have opened or closed. */
  void onChange(Runnable listener) {
    listeners.add(listener);
  }

  void forget(Runnable listener) {
    listeners.remove(listener);
  }

  /** How many it tells; for tests. */
  int listenerCount() {
    return listeners.size();
  }

  private boolean holds() {
    try {
      return condition == null || condition.getAsBoolean();
    } catch (RuntimeException e) {
      return false;
    }
  }

  private void openIfDue() {
    synchronized (lock) {
      timer = null;
      if (openAgainNanos == null) {
        return;
      }
      long left = openAgainNanos - time.nanoTime();
      if (left > 0) {
        timer = time.schedule(Duration.ofNanos(left), this::openIfDue);
        return;
      }
      closed = false;
      openAgainNanos = null;
    }
    changed();
  }

  private void set(boolean toClosed, @Nullable Long until) {
    synchronized (lock) {
      closed = toClosed;
      openAgainNanos = until;
      if (timer != null) {
        timer.cancel();
        timer = null;
      }
    }
    changed();
  }

  private void changed() {
    listeners.forEach(Runnable::run);
  }

  private static void requirePositive(Duration duration) {
    if (duration.isNegative() || duration.isZero()) {
      throw new IllegalArgumentException("A gate looks after a positive time, not " + duration);
    }
  }
}
