package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.time.ManualTimeSource;
import dev.forebay.queue.time.SystemTimeSource;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * How time goes by in a test: really, or by moving the clock that the queues run by.
 *
 * <p>The same rules run on both. In real time an upper bound is the backend's declared lateness
 * plus {@link #tolerance()}, since a busy machine may stand still for seconds; under a manual clock
 * it is exact to one step of that clock. A lower bound is never softened by more than {@link
 * #granularity()}. Thread-safe.
 */
public abstract class Timing {

  /** Overrides the tolerance of real time, in milliseconds, for machines that stall longer. */
  static final String TOLERANCE_PROPERTY = "forebay.contract.tolerance";

  private static final Duration DEFAULT_TOLERANCE = Duration.ofSeconds(4);

  private Timing() {}

  /**
   * Real time, with four seconds of tolerance or as many milliseconds as the system property {@code
   * forebay.contract.tolerance} says.
   */
  public static Timing real() {
    Long millis = Long.getLong(TOLERANCE_PROPERTY);
    return new Real(millis == null ? DEFAULT_TOLERANCE : Duration.ofMillis(millis));
  }

  /** The time of this clock, which the kit moves; all queues of the harness must run by it. */
  public static Timing manual(ManualTimeSource clock) {
    return manual(clock, Manual.PATIENCE);
  }

  /** As above, for queues that hang on purpose: what needs longer than this hangs. */
  static Timing manual(ManualTimeSource clock, Duration patience) {
    return new Manual(clock, patience);
  }

  /** The clock that bounds are measured by. */
  public abstract TimeSource source();

  /** What an upper bound grants beside the declared lateness. */
  public abstract Duration tolerance();

  /** What a lower bound grants: brokers stamp in milliseconds. */
  public abstract Duration granularity();

  /**
   * How long a message may take to arrive where its time is not what the test is about: at a queue
   * that was just opened, after a short lease. Shorter than a long lease.
   */
  abstract Duration arrival();

  /** How long, in real time, another thread may take to get on before it is taken for hung. */
  abstract Duration patience();

  /** Lets this much time pass. */
  public abstract void pass(Duration time);

  /**
   * Looks again and again, at most for {@code within}, until a look finds something.
   *
   * @param look is told how long it may wait itself, zero under a manual clock
   */
  abstract <T> Optional<T> look(Duration within, Function<Duration, Optional<T>> look);

  /**
   * Waits at most {@code within} for what other threads do, who may themselves wait for time.
   *
   * @param waiting whether they do nothing but wait; a manual clock moves only then
   */
  abstract boolean await(Duration within, BooleanSupplier done, BooleanSupplier waiting);

  /** Waits for what other threads do without needing any time to pass. */
  abstract boolean await(BooleanSupplier done);

  /**
   * Waits for what other threads do, letting time go by for them as long as it takes.
   *
   * @param waiting whether time may go by: a manual clock stands still otherwise
   */
  abstract boolean goOn(BooleanSupplier done, BooleanSupplier waiting);

  /** Waits at most {@code within} for a condition that a timer brings about. */
  final boolean until(Duration within, BooleanSupplier condition) {
    return look(
            within,
            wait -> {
              if (condition.getAsBoolean()) {
                return Optional.of(true);
              }
              LockSupport.parkNanos(wait.isZero() ? 0 : 2_000_000);
              return condition.getAsBoolean() ? Optional.of(true) : Optional.empty();
            })
        .isPresent();
  }

  final long nanoTime() {
    return source().nanoTime();
  }

  final Duration since(long nanos) {
    return Duration.ofNanos(nanoTime() - nanos);
  }

  private static final class Real extends Timing {

    /** Short enough to notice the end of a bound, long enough for a broker's long poll. */
    private static final Duration SLICE = Duration.ofMillis(500);

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Duration tolerance;

    Real(Duration tolerance) {
      this.tolerance = tolerance;
    }

    @Override
    public TimeSource source() {
      return SystemTimeSource.get();
    }

    @Override
    public Duration tolerance() {
      return tolerance;
    }

    @Override
    public Duration granularity() {
      return Duration.ofMillis(25);
    }

    @Override
    Duration arrival() {
      return Duration.ofSeconds(20);
    }

    @Override
    Duration patience() {
      return PATIENCE.plus(tolerance);
    }

    @Override
    public void pass(Duration time) {
      CountDownLatch over = new CountDownLatch(1);
      TimeSource.Timer timer = source().schedule(time, over::countDown);
      try {
        over.await();
      } catch (InterruptedException e) {
        timer.cancel();
        Thread.currentThread().interrupt();
        throw new IllegalStateException("Interrupted while a test let time pass", e);
      }
    }

    @Override
    <T> Optional<T> look(Duration within, Function<Duration, Optional<T>> look) {
      long began = nanoTime();
      while (true) {
        Duration left = within.minus(since(began));
        boolean last = left.isNegative() || left.isZero();
        Optional<T> found =
            look.apply(last ? Duration.ZERO : left.compareTo(SLICE) < 0 ? left : SLICE);
        if (found.isPresent() || last) {
          return found;
        }
      }
    }

    @Override
    boolean await(Duration within, BooleanSupplier done, BooleanSupplier waiting) {
      return until(within, done);
    }

    @Override
    boolean await(BooleanSupplier done) {
      return until(patience(), done);
    }

    @Override
    boolean goOn(BooleanSupplier done, BooleanSupplier waiting) {
      return until(patience(), done);
    }
  }

  private static final class Manual extends Timing {

    /** How long another thread may take to get going after the clock moved. */
    private static final Duration PATIENCE = Duration.ofSeconds(15);

    /** How long a thread must wait before the clock moves for it. */
    private static final Duration IDLE = Duration.ofMillis(4);

    private static final int LEAPS = 20;

    /** How far the clock moves at a time where nothing is measured. */
    private static final Duration STRIDE = Duration.ofMillis(100);

    /** How exactly a bound is measured. */
    private static final Duration STEP = Duration.ofMillis(10);

    private final ManualTimeSource clock;
    private final Duration patience;

    Manual(ManualTimeSource clock, Duration patience) {
      this.clock = clock;
      this.patience = patience;
    }

    @Override
    public TimeSource source() {
      return clock;
    }

    @Override
    public Duration tolerance() {
      return STEP;
    }

    @Override
    public Duration granularity() {
      return Duration.ZERO;
    }

    @Override
    Duration arrival() {
      return Duration.ofSeconds(10);
    }

    @Override
    Duration patience() {
      return patience;
    }

    @Override
    public void pass(Duration time) {
      clock.advance(time);
    }

    @Override
    <T> Optional<T> look(Duration within, Function<Duration, Optional<T>> look) {
      long began = nanoTime();
      while (true) {
        Optional<T> found = look.apply(Duration.ZERO);
        if (found.isPresent() || since(began).compareTo(within) >= 0) {
          return found;
        }
        clock.advance(STEP);
      }
    }

    @Override
    boolean await(Duration within, BooleanSupplier done, BooleanSupplier waiting) {
      for (int leap = 0; leap < LEAPS && !settle(done, waiting); leap++) {
        clock.advance(within.dividedBy(LEAPS));
      }
      // The clock has moved all it may; what is left is the other thread's turn to run.
      return pause(done, patience);
    }

    @Override
    boolean await(BooleanSupplier done) {
      return pause(done, patience);
    }

    @Override
    boolean goOn(BooleanSupplier done, BooleanSupplier waiting) {
      return pause(
          () -> {
            if (done.getAsBoolean()) {
              return true;
            }
            if (waiting.getAsBoolean()) {
              clock.advance(STRIDE);
            }
            return false;
          },
          patience);
    }

    /** Whether it is done; false once nothing has happened but waiting for a while. */
    private static boolean settle(BooleanSupplier done, BooleanSupplier waiting) {
      TimeSource real = SystemTimeSource.get();
      long lastBusy = real.nanoTime();
      while (!done.getAsBoolean()) {
        if (!waiting.getAsBoolean()) {
          lastBusy = real.nanoTime();
        } else if (real.nanoTime() - lastBusy > IDLE.toNanos()) {
          return false;
        }
        LockSupport.parkNanos(100_000);
      }
      return true;
    }

    private static boolean pause(BooleanSupplier done, Duration atMost) {
      TimeSource real = SystemTimeSource.get();
      long began = real.nanoTime();
      while (!done.getAsBoolean()) {
        if (real.nanoTime() - began > atMost.toNanos()) {
          return false;
        }
        LockSupport.parkNanos(100_000);
      }
      return true;
    }
  }
}
