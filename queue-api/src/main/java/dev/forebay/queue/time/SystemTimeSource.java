package dev.forebay.queue.time;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The machine's clocks, with one daemon thread for all timers of the JVM that ends when no timer
 * has been due for a second, so that closed queues leave no thread behind (S1). Thread-safe.
 */
public final class SystemTimeSource implements TimeSource {

  private static final Logger LOG = LoggerFactory.getLogger(SystemTimeSource.class);
  private static final SystemTimeSource INSTANCE = new SystemTimeSource();

  private final ScheduledThreadPoolExecutor timers;

  private SystemTimeSource() {
    timers =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, "forebay-timer");
              thread.setDaemon(true);
              return thread;
            });
    // Cancelled extension and poll timers must not pile up until their time comes.
    timers.setRemoveOnCancelPolicy(true);
    timers.setKeepAliveTime(1, TimeUnit.SECONDS);
    timers.allowCoreThreadTimeOut(true);
  }

  /** The one instance. */
  public static SystemTimeSource get() {
    return INSTANCE;
  }

  @Override
  public Instant now() {
    return Instant.now();
  }

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public Timer schedule(Duration delay, Runnable task) {
    Future<?> future =
        timers.schedule(() -> run(task), saturatedNanos(delay), TimeUnit.NANOSECONDS);
    return () -> future.cancel(false);
  }

  private static void run(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | Error e) {
      LOG.error("A timer task failed", e);
    }
  }

  private static long saturatedNanos(Duration delay) {
    // A quarter of the long range keeps the executor's own comparisons from overflowing.
    Duration longest = Duration.ofNanos(Long.MAX_VALUE / 4);
    return delay.compareTo(longest) > 0 ? longest.toNanos() : delay.toNanos();
  }
}
