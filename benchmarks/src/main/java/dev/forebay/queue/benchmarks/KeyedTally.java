package dev.forebay.queue.benchmarks;

import java.lang.management.ManagementFactory;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * Handles pretended work by its id and key, and keeps what happened: time, repetitions, and for
 * work that takes time, order and overlap within a key. Thread-safe.
 */
final class KeyedTally {

  private static final com.sun.management.OperatingSystemMXBean SYSTEM =
      (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private final AtomicIntegerArray starts;
  private final Map<String, Integer> lastStarted = new ConcurrentHashMap<>();
  private final Map<String, Integer> inHand = new ConcurrentHashMap<>();
  private final LongAdder repeated = new LongAdder();
  private final LongAdder violations = new LongAdder();
  private final AtomicLong first = new AtomicLong();
  private final AtomicLong last = new AtomicLong();
  private final AtomicLong cpuAtFirst = new AtomicLong();
  private final AtomicLong compilersAtFirst = new AtomicLong();
  private final CountDownLatch open;
  private final int warmUp;
  private final AtomicInteger handled = new AtomicInteger();
  private final boolean telling;

  /**
   * Nothing handled yet.
   *
   * @param warmUp how many are handled before time and speed count
   * @param telling whether each start and finish is printed
   */
  KeyedTally(int count, int warmUp, boolean telling) {
    this.warmUp = warmUp;
    this.starts = new AtomicIntegerArray(count);
    this.open = new CountDownLatch(count);
    this.telling = telling;
  }

  /** The id that a body begins with. */
  static int id(byte[] body) {
    int id = 0;
    for (int i = 0; i < 8; i++) {
      id = id * 10 + (body[i] - '0');
    }
    return id;
  }

  /** The record of {@code key} with this id: takes {@code millis}. */
  void handle(String key, int id, long millis) throws InterruptedException {
    if (handled.getAndIncrement() == warmUp) {
      first.set(System.nanoTime());
      cpuAtFirst.set(SYSTEM.getProcessCpuTime());
      compilersAtFirst.set(CompilerTime.nanos());
    }
    boolean again = starts.incrementAndGet(id) > 1;
    if (again) {
      repeated.increment();
    }
    if (telling) {
      tell(KeyedStory.line(true, id));
    }
    if (millis > 0) {
      if (inHand.put(key, id) != null) {
        violations.increment();
      }
      Integer before = lastStarted.put(key, id);
      if (before != null && before >= id && !again) {
        violations.increment();
      }
      TimeUnit.MILLISECONDS.sleep(millis);
      inHand.remove(key);
    }
    if (telling) {
      tell(KeyedStory.line(false, id));
    }
    if (!again) {
      last.set(System.nanoTime());
      open.countDown();
    }
  }

  private static void tell(String line) {
    synchronized (System.out) {
      System.out.println(line);
      System.out.flush();
    }
  }

  /** Waits until everything was handled. */
  boolean await(long seconds) throws InterruptedException {
    return open.await(seconds, TimeUnit.SECONDS);
  }

  /** What happened, as numbers by name. */
  Map<String, Double> figures() {
    long compilers = CompilerTime.nanos() - compilersAtFirst.get();
    long cpu = SYSTEM.getProcessCpuTime() - cpuAtFirst.get() - compilers;
    double seconds = (last.get() - first.get()) / 1e9;
    int measured = starts.length() - (int) open.getCount() - warmUp;
    Map<String, Double> figures = new LinkedHashMap<>();
    figures.put("handled", (double) measured);
    figures.put("seconds", seconds);
    figures.put("perSecond", measured / seconds);
    figures.put("cpuMicros", cpu / 1e3 / measured);
    figures.put("compilerMicros", compilers / 1e3 / measured);
    figures.put("repeated", repeated.doubleValue());
    figures.put("violations", violations.doubleValue());
    return figures;
  }
}
