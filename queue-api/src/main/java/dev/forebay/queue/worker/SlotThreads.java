package dev.forebay.queue.worker;

import java.lang.reflect.InvocationTargetException;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The threads handlers run on, and the one place that knows of virtual threads: a new virtual
 * thread for each task where the JVM has them (21 and later), else a pool of as many platform
 * threads as there are slots. Found at run time, since the library is compiled for 17.
 *
 * <p>Thread-safe. The threads are daemons: a handler that never ends must not keep the JVM from
 * ending.
 */
interface SlotThreads {

  /** Idle platform threads end after this; a pool of thousands should not outlive its burst. */
  Duration KEEP_ALIVE = Duration.ofSeconds(10);

  /** Runs a task soon; it may queue while all threads are busy. */
  void start(Runnable task);

  /** Lets the threads end once their tasks have. */
  void shutdown();

  /** Waits, if need be for {@code atMost} of real time, until the threads have ended. */
  void awaitEnd(Duration atMost) throws InterruptedException;

  static SlotThreads of(String prefix, int slots, boolean platformOnly) {
    ThreadFactory virtual = platformOnly ? null : virtualFactory(prefix);
    return virtual == null ? platform(prefix, slots) : new Virtual(virtual);
  }

  /** Whether this JVM has virtual threads. */
  static boolean virtualAvailable() {
    return virtualFactory("") != null;
  }

  private static SlotThreads platform(String prefix, int slots) {
    AtomicInteger number = new AtomicInteger();
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            slots,
            slots,
            KEEP_ALIVE.toMillis(),
            TimeUnit.MILLISECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, prefix + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
    return new Platform(pool);
  }

  private static @Nullable ThreadFactory virtualFactory(String prefix) {
    try {
      Class<?> type = Class.forName("java.lang.Thread$Builder");
      Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
      Object named = type.getMethod("name", String.class, long.class).invoke(builder, prefix, 1L);
      return (ThreadFactory) type.getMethod("factory").invoke(named);
    } catch (InvocationTargetException e) {
      // JDK 19 and 20 have the methods but refuse them unless previews are switched on.
      return null;
    } catch (ReflectiveOperationException e) {
      return null;
    }
  }

  /** A thread a task; ends with it. */
  record Virtual(ThreadFactory factory) implements SlotThreads {
    @Override
    public void start(Runnable task) {
      factory.newThread(task).start();
    }

    @Override
    public void shutdown() {}

    @Override
    public void awaitEnd(Duration atMost) {}
  }

  /** A pool that grows to the number of slots. */
  record Platform(ThreadPoolExecutor pool) implements SlotThreads {
    @Override
    public void start(Runnable task) {
      pool.execute(task);
    }

    @Override
    public void shutdown() {
      pool.shutdown();
    }

    @Override
    public void awaitEnd(Duration atMost) throws InterruptedException {
      boolean unused = pool.awaitTermination(atMost.toMillis(), TimeUnit.MILLISECONDS);
    }
  }
}
