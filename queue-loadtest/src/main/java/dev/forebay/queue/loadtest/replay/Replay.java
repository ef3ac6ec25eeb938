package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.QueueException;
import dev.forebay.queue.loadtest.console.QueueProgress;
import dev.forebay.queue.loadtest.model.Timeline;
import dev.forebay.queue.loadtest.report.QueueResult;
import dev.forebay.queue.time.SystemTimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/** Replays one trace through several queues at once. Not thread-safe. */
public final class Replay implements AutoCloseable {
  /** Time for all senders to be ready before the first request is due. */
  private static final Duration RUN_UP = Duration.ofMillis(200);

  /** How often it is looked whether all is done. */
  private static final Duration LOOK = Duration.ofMillis(50);

  /** How much longer than the ideal a queue may take before the rest counts as lost. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Plan plan;
  private final ReplayClock clock = new ReplayClock(SystemTimeSource.get());
  private final List<Backend> backends = new ArrayList<>();
  private final List<QueueReplay> queues = new ArrayList<>();
  private final ExecutorService threads = Executors.newCachedThreadPool(Replay::daemon);

  /** A replay of this plan; nothing runs yet. */
  public Replay(Plan plan) {
    this.plan = plan;
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "replay");
    thread.setDaemon(true);
    return thread;
  }

  /**
   * Starts brokers and workers, all at once, and returns when every queue has handled some
   * messages.
   *
   * @param names of the queues, such as {@code memory}
   * @throws IllegalStateException if a queue cannot be had; the message says which and why
   */
  public void start(List<String> names) throws InterruptedException {
    List<Future<QueueReplay>> starting = new ArrayList<>();
    for (String name : names) {
      starting.add(threads.submit(() -> start(name)));
    }
    for (int i = 0; i < names.size(); i++) {
      queues.add(await(names.get(i), starting.get(i)));
    }
  }

  private QueueReplay start(String name) throws InterruptedException {
    Backend backend = Backend.start(name, plan.timeOuts());
    QueueReplay queue = new QueueReplay(name, plan, backend, clock);
    synchronized (backends) {
      backends.add(backend);
    }
    try {
      queue.warmUp();
      return queue;
    } catch (RuntimeException | InterruptedException e) {
      queue.close();
      throw e;
    }
  }

  /**
   * Replays the trace and returns when every queue has handled every request and has been watched
   * for duplicates, or has taken a minute longer than the ideal.
   *
   * @param ideal what the ideal queue made of the plan
   * @param progress told where the queues are
   * @param every how often
   * @return what each queue did, in the order they were given in
   */
  public List<QueueResult> run(
      Timeline ideal, Consumer<List<QueueProgress>> progress, Duration every)
      throws InterruptedException {
    clock.startIn(RUN_UP);
    queues.forEach(QueueReplay::start);
    long limit = ideal.end().plus(PATIENCE).toNanos();
    long nextProgress = every.toNanos();
    while (!queues.stream().allMatch(QueueReplay::isDone) && clock.now() < limit) {
      clock.await(clock.now() + LOOK.toNanos());
      if (clock.now() >= nextProgress) {
        progress.accept(progress());
        nextProgress += every.toNanos();
      }
    }
    progress.accept(progress());
    watchForDuplicates();
    List<Future<QueueResult>> ending = new ArrayList<>();
    for (QueueReplay queue : queues) {
      ending.add(
          threads.submit(
              () -> {
                queue.close();
                return queue.result();
              }));
    }
    List<QueueResult> results = new ArrayList<>();
    for (int i = 0; i < queues.size(); i++) {
      results.add(await(queues.get(i).name(), ending.get(i)));
    }
    return results;
  }

  private List<QueueProgress> progress() {
    return queues.stream().map(QueueReplay::progress).toList();
  }

  /**
   * A message whose ack went astray comes back when its lease ends: workers must still be there.
   */
  private void watchForDuplicates() throws InterruptedException {
    Duration quiet = plan.timeOuts().lease().multipliedBy(2);
    clock.await(clock.now() + quiet.toNanos());
  }

  private static <T> T await(String name, Future<T> future) throws InterruptedException {
    try {
      return future.get();
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      // These two are written for people; of anything else the class is half of what it says.
      boolean told = cause instanceof QueueException || cause instanceof IllegalStateException;
      String why = told && cause != null ? cause.getMessage() : String.valueOf(cause);
      throw new IllegalStateException(name + ": " + why, cause);
    }
  }

  /** Ends everything that still runs; the servers end with the process. */
  @Override
  public void close() {
    queues.forEach(QueueReplay::close);
    synchronized (backends) {
      backends.forEach(Backend::close);
    }
    threads.shutdownNow();
  }
}
