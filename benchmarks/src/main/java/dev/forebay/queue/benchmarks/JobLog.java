package dev.forebay.queue.benchmarks;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.BooleanSupplier;
import java.util.function.IntPredicate;

/**
 * Runs jobs for whatever consumer hands them over, and keeps what happened: starts, finishes, time
 * spent. Thread-safe.
 */
final class JobLog {

  private static final long CHECK_MILLIS = 2;

  private final AtomicIntegerArray starts;
  private final AtomicLongArray firstFinish;
  private final AtomicInteger finished = new AtomicInteger();
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger startsInAll = new AtomicInteger();
  private final AtomicLong busyNanos = new AtomicLong();
  private final CountDownLatch cutShort = new CountDownLatch(1);

  JobLog(int jobs) {
    starts = new AtomicIntegerArray(jobs);
    firstFinish = new AtomicLongArray(jobs);
  }

  /** Takes as long as the job says, unless cut short. */
  void run(Job job) throws InterruptedException {
    long start = System.nanoTime();
    starts.incrementAndGet(job.id());
    startsInAll.incrementAndGet();
    running.incrementAndGet();
    try {
      if (job.millis() > 0 && !cutShort.await(job.millis(), TimeUnit.MILLISECONDS)) {
        busyNanos.addAndGet(System.nanoTime() - start);
      }
      if (firstFinish.compareAndSet(job.id(), 0, System.nanoTime())) {
        finished.incrementAndGet();
      }
    } catch (InterruptedException e) {
      busyNanos.addAndGet(System.nanoTime() - start);
      throw e;
    } finally {
      running.decrementAndGet();
    }
  }

  /** Ends every job that runs now or starts later at once. */
  void cutShort() {
    cutShort.countDown();
  }

  /** How often a job was started, beyond once each. */
  int repeatedStarts() {
    int repeated = 0;
    for (int id = 0; id < starts.length(); id++) {
      repeated += Math.max(0, starts.get(id) - 1);
    }
    return repeated;
  }

  int startsInAll() {
    return startsInAll.get();
  }

  int running() {
    return running.get();
  }

  /** How many different jobs have finished at least once. */
  int finished() {
    return finished.get();
  }

  boolean isFinished(int id) {
    return firstFinish.get(id) != 0;
  }

  /** Time spent in handlers beyond what the jobs needed once each, in seconds. */
  double wastedSeconds(List<Job> jobs) {
    double needed = jobs.stream().mapToLong(Job::millis).sum() / 1000.0;
    return Math.max(0, busyNanos.get() / 1e9 - needed);
  }

  /** When the last of these jobs first finished, by {@link System#nanoTime()}. */
  long lastFinish(IntPredicate which) {
    long last = Long.MIN_VALUE;
    for (int id = 0; id < firstFinish.length(); id++) {
      if (which.test(id)) {
        last = Math.max(last, firstFinish.get(id));
      }
    }
    return last;
  }

  /** Waits until so many different jobs have finished. */
  void awaitFinished(int count, double limitSeconds) throws InterruptedException {
    await(() -> finished.get() >= count, limitSeconds, count + " jobs to finish");
  }

  /** Waits for a condition, looking every 2 ms. */
  static void await(BooleanSupplier condition, double limitSeconds, String what)
      throws InterruptedException {
    long start = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - start > limitSeconds * 1e9) {
        throw new IllegalStateException("Waited " + limitSeconds + " s in vain for " + what);
      }
      pause(CHECK_MILLIS);
    }
  }

  /** Lets so much time pass. */
  static void pause(long millis) throws InterruptedException {
    TimeUnit.MILLISECONDS.sleep(millis);
  }
}
