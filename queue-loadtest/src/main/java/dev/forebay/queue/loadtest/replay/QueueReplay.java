package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.loadtest.console.QueueProgress;
import dev.forebay.queue.loadtest.model.Floor;
import dev.forebay.queue.loadtest.model.SpeedClass;
import dev.forebay.queue.loadtest.model.TimeOuts;
import dev.forebay.queue.loadtest.model.Timeline;
import dev.forebay.queue.loadtest.report.QueueResult;
import dev.forebay.queue.policy.Backoff;
import dev.forebay.queue.policy.Jitter;
import dev.forebay.queue.policy.LeasePolicy;
import dev.forebay.queue.policy.RetryPolicy;
import dev.forebay.queue.worker.Worker;
import dev.forebay.queue.worker.WorkerStats;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The replay of a trace through one queue: a sender and a worker for each class of hardware, each
 * with a queue object of its own, as three processes would have. Not thread-safe, unless said so.
 */
final class QueueReplay implements AutoCloseable {
  private static final int MAX_ATTEMPTS = 5;

  /** What it takes until the client of a broker runs compiled and its connections are open. */
  private static final int WARM_UPS = 400;

  private static final int WARM_UPS_PER_SLOT = 4;
  private static final Duration WARM_UP_PATIENCE = Duration.ofSeconds(60);

  private final String name;
  private final Plan plan;
  private final Backend backend;
  private final ReplayClock clock;
  private final Recorder recorder;
  private final long[] due;
  private final CountDownLatch warmUps;
  private final List<WorkQueue> queues = new ArrayList<>();
  private final List<Worker> workers = new ArrayList<>();
  private final List<WorkerStats> statsAtStart = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();

  QueueReplay(String name, Plan plan, Backend backend, ReplayClock clock) {
    this.name = name;
    this.plan = plan;
    this.backend = backend;
    this.clock = clock;
    Timeline.Builder timeline = plan.timeline();
    recorder = new Recorder(plan.trace(), timeline);
    due = new long[plan.trace().size()];
    Arrays.setAll(due, timeline::arrivalNanos);
    warmUps = new CountDownLatch(WARM_UPS + WARM_UPS_PER_SLOT * plan.slots().total());
  }

  String name() {
    return name;
  }

  /**
   * Opens the queue, starts the workers and lets them handle some messages, so that neither
   * connections nor cold code fall into the replay.
   */
  void warmUp() throws InterruptedException {
    TimeOuts timeOuts = plan.timeOuts();
    WorkQueue senders = open();
    for (SpeedClass speed : SpeedClass.values()) {
      int slots = plan.slots().of(speed);
      if (slots > 0) {
        workers.add(
            Worker.builder(open())
                .slots(slots)
                .pollWait(timeOuts.pollWait())
                .leases(LeasePolicy.defaults().maxRunTime(timeOuts.maxRunTime()))
                .retry(
                    RetryPolicy.backoff(
                            Backoff.exponential(timeOuts.backoff(), timeOuts.backoffCap())
                                .jitter(Jitter.NONE))
                        .maxAttempts(MAX_ATTEMPTS))
                .handler(
                    new ModelHandler(
                        plan.trace(),
                        plan.speedUp(),
                        plan.failures(),
                        speed,
                        recorder,
                        clock,
                        warmUps))
                .start());
      }
    }
    long messages = warmUps.getCount();
    for (long i = 0; i < messages; i++) {
      senders.enqueue(Prompts.warmUp());
    }
    if (!warmUps.await(WARM_UP_PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      throw new IllegalStateException(
          name
              + ": "
              + warmUps.getCount()
              + " of "
              + messages
              + " warm-up messages were not handled within "
              + WARM_UP_PATIENCE.toSeconds()
              + " s; see the log for what the broker says");
    }
  }

  private WorkQueue open() {
    WorkQueue queue = backend.open();
    queues.add(queue);
    return queue;
  }

  /** Starts to send, by a clock that is about to start. */
  void start() {
    backend.resetApiCalls();
    workers.forEach(worker -> statsAtStart.add(worker.stats()));
    Thread thread =
        new Thread(new Sender(plan.trace(), due, queues.get(0), recorder, clock), "sender-" + name);
    thread.setDaemon(true);
    thread.start();
    threads.add(thread);
  }

  /** Whether there is nothing left to wait for. Thread-safe. */
  boolean isDone() {
    return recorder.allSent() && recorder.allHandled();
  }

  /** How far it is. Thread-safe. */
  QueueProgress progress() {
    int position = Arrays.binarySearch(due, clock.now());
    int arrived = position < 0 ? -position - 1 : position + 1;
    return new QueueProgress(name, due.length, arrived, recorder.handled(), recorder.inFlight());
  }

  /** What came of it; after {@link #close}. */
  QueueResult result() {
    long extensions = 0;
    Duration wasted = Duration.ZERO;
    for (int i = 0; i < workers.size(); i++) {
      WorkerStats stats = workers.get(i).stats();
      extensions += stats.extensions() - statsAtStart.get(i).extensions();
      wasted = wasted.plus(stats.wasted()).minus(statsAtStart.get(i).wasted());
    }
    List<String> notes = new ArrayList<>(backend.notes());
    String refusal = recorder.firstRefusal();
    if (refusal != null) {
      notes.add("The queue refused messages. The first time it said: " + refusal);
    }
    return new QueueResult(
        name,
        recorder.sent(),
        recorder.timeline(),
        recorder.queueToStartP99Millis(),
        extensions,
        wasted,
        backend.apiCalls(),
        floors(),
        notes);
  }

  private List<Floor> floors() {
    List<Floor> floors = new ArrayList<>(backend.floors());
    Duration lateness = queues.get(0).capabilities().lateness();
    Duration wanted = plan.speedUp().scale(lateness);
    if (wanted.compareTo(lateness) < 0) {
      floors.add(
          new Floor(
              name,
              "lateness",
              wanted,
              lateness,
              "which is how late at most a message comes back, at any speed"));
    }
    return floors;
  }

  /** Stops sender, workers and queues; the backend stays. */
  @Override
  public void close() {
    threads.forEach(Thread::interrupt);
    workers.forEach(Worker::close);
    queues.forEach(WorkQueue::close);
  }
}
