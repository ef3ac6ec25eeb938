package dev.forebay.queue.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import dev.forebay.queue.benchmarks.SqsContender.Consumer;
import dev.forebay.queue.benchmarks.SqsContender.Consumption;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * One contender's way through the scenarios, in this JVM. A queue of its own for each. For one
 * thread.
 */
final class SqsRun {

  /** Ends a scenario that a contender does not get through. */
  private static final double LIMIT_SECONDS = 150;

  /** How long repeats may go on after everything is done; some contenders never end them. */
  private static final int VISIBILITIES_TO_SETTLE = 10;

  private static final long SETTLE_CHECK_MILLIS = 200;
  private static final int LONG_JOB_PLACE = 10;

  /** A message nobody holds is received at once; more than this and somebody held it. */
  private static final double PROMPT_SECONDS = 1;

  /** When a message comes, seen from the call that stops an idle consumer. */
  private static final List<Integer> AROUND_THE_STOP_MILLIS = List.of(-20, 20, 300);

  private final OperatingSystemMXBean system =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
  private final SqsTarget target;
  private final SqsContender contender;
  private final SqsSizes sizes;

  SqsRun(SqsTarget target, SqsContender contender, SqsSizes sizes) {
    this.target = target;
    this.contender = contender;
    this.sizes = sizes;
  }

  /** Compiles the code paths every contender needs. */
  void warmUp() throws Exception {
    List<Job> jobs = Job.same(sizes.warmUp(), 0);
    String queueUrl = filledQueue(jobs, sizes.longVisibility());
    JobLog log = new JobLog(jobs.size());
    Consumer consumer = start(queueUrl, sizes.slots(), sizes.longVisibility(), log);
    log.awaitFinished(jobs.size(), LIMIT_SECONDS);
    consumer.stop();
    target.deleteQueue(queueUrl);
  }

  Map<String, Double> noop() throws Exception {
    int unmeasured = sizes.noop() / 2;
    int total = unmeasured + sizes.noop();
    List<Job> jobs = Job.same(total, 0);
    String queueUrl = filledQueue(jobs, sizes.longVisibility());
    JobLog log = new JobLog(total);
    long requestsBefore = target.requests().total();
    Consumer consumer = start(queueUrl, sizes.slots(), sizes.longVisibility(), log);
    log.awaitFinished(unmeasured, LIMIT_SECONDS);
    long compilersBefore = CompilerTime.nanos();
    long cpuBefore = system.getProcessCpuTime();
    int finishedBefore = log.finished();
    long start = System.nanoTime();
    log.awaitFinished(total, LIMIT_SECONDS);
    double seconds = (System.nanoTime() - start) / 1e9;
    double compilerMicros = (CompilerTime.nanos() - compilersBefore) / 1e3;
    double cpuMicros = (system.getProcessCpuTime() - cpuBefore) / 1e3 - compilerMicros;
    int measured = total - finishedBefore;
    consumer.stop();
    Map<String, Double> figures = new LinkedHashMap<>();
    figures.put("messagesPerSecond", measured / seconds);
    figures.put("cpuMicrosPerMessage", cpuMicros / measured);
    figures.put("compilerMicrosPerMessage", compilerMicros / measured);
    figures.put(
        "consumerRequestsPerMessage",
        (double) (target.requests().total() - requestsBefore) / total);
    figures.put("finished", (double) log.finished());
    figures.put("repeated", (double) log.repeatedStarts());
    target.deleteQueue(queueUrl);
    return figures;
  }

  Map<String, Double> load() throws Exception {
    List<Job> jobs = Job.same(sizes.load(), sizes.loadMillis());
    List<String> bodies = jobs.stream().map(Job::body).toList();
    String queueUrl = target.createQueue(sizes.longVisibility());
    JobLog log = new JobLog(jobs.size());
    long before = target.requests().total();
    int half = bodies.size() / 2;
    sendAll(queueUrl, bodies.subList(0, half));
    long start = System.nanoTime();
    Consumer consumer = start(queueUrl, sizes.loadSlots(), sizes.longVisibility(), log);
    sendAll(queueUrl, bodies.subList(half, bodies.size()));
    log.awaitFinished(jobs.size(), LIMIT_SECONDS);
    double seconds = (System.nanoTime() - start) / 1e9;
    consumer.stop();
    Map<String, Double> figures = new LinkedHashMap<>();
    figures.put("requestsPerMessage", (double) (target.requests().total() - before) / jobs.size());
    figures.put("messagesPerSecond", jobs.size() / seconds);
    figures.put("finished", (double) log.finished());
    figures.put("repeated", (double) log.repeatedStarts());
    target.deleteQueue(queueUrl);
    return figures;
  }

  /** Sends with a few threads, as a busy service would. */
  private void sendAll(String queueUrl, List<String> bodies) {
    int senders = 4;
    int share = (bodies.size() + senders - 1) / senders;
    List<CompletableFuture<Void>> sending = new ArrayList<>();
    for (int from = 0; from < bodies.size(); from += share) {
      List<String> part = bodies.subList(from, Math.min(bodies.size(), from + share));
      sending.add(CompletableFuture.runAsync(() -> send(queueUrl, part), this::onThread));
    }
    sending.forEach(CompletableFuture::join);
  }

  private void onThread(Runnable task) {
    Thread thread = new Thread(task, "sender");
    thread.setDaemon(true);
    thread.start();
  }

  private void send(String queueUrl, List<String> bodies) {
    try {
      contender.send(queueUrl, bodies);
    } catch (Exception e) {
      throw new IllegalStateException("The contender could not send", e);
    }
  }

  Map<String, Double> longJobs() throws Exception {
    List<Job> jobs = Job.same(sizes.longJobs(), sizes.longMillis());
    return runOut(jobs, sizes.shortVisibility());
  }

  Map<String, Double> sparseSlow() throws Exception {
    List<Job> jobs =
        Job.every(sizes.sparse(), sizes.sparseMillis(), sizes.nth(), sizes.sparseSlowMillis());
    return runOut(jobs, sizes.shortVisibility());
  }

  /** Works all jobs off until the queue is empty, repeats included. */
  private Map<String, Double> runOut(List<Job> jobs, Duration visibility) throws Exception {
    String queueUrl = filledQueue(jobs, visibility);
    JobLog log = new JobLog(jobs.size());
    long start = System.nanoTime();
    Consumer consumer = start(queueUrl, sizes.slots(), visibility, log);
    log.awaitFinished(jobs.size(), LIMIT_SECONDS);
    double seconds = (log.lastFinish(id -> true) - start) / 1e9;
    boolean empty = awaitEmpty(queueUrl, log, visibility.multipliedBy(VISIBILITIES_TO_SETTLE));
    consumer.stop();
    Map<String, Double> figures = new LinkedHashMap<>();
    figures.put("timesIdeal", seconds / IdealSchedule.seconds(jobs, sizes.slots()));
    figures.put("repeatedStarts", (double) log.repeatedStarts());
    figures.put("wastedSeconds", log.wastedSeconds(jobs));
    figures.put("leftOver", empty ? 0.0 : target.waiting(queueUrl) + target.inFlight(queueUrl));
    target.deleteQueue(queueUrl);
    return figures;
  }

  private boolean awaitEmpty(String queueUrl, JobLog log, Duration limit)
      throws InterruptedException {
    long start = System.nanoTime();
    while (System.nanoTime() - start < limit.toNanos()) {
      if (log.running() == 0
          && target.waiting(queueUrl) == 0
          && target.inFlight(queueUrl) == 0
          && log.running() == 0) {
        return true;
      }
      JobLog.pause(SETTLE_CHECK_MILLIS);
    }
    return false;
  }

  Map<String, Double> oneLong() throws Exception {
    int place = Math.min(sizes.mixed(), sizes.mixed() / LONG_JOB_PLACE);
    List<Job> jobs = new ArrayList<>(Job.same(sizes.mixed() + 1, sizes.mixedMillis()));
    jobs.set(place, new Job(place, sizes.mixedLongMillis()));
    // Longer than the long job: nothing is to be repeated here, by anybody.
    Duration visibility = Duration.ofMillis(sizes.mixedLongMillis()).plusSeconds(10);
    String queueUrl = filledQueue(jobs, visibility);
    JobLog log = new JobLog(jobs.size());
    long start = System.nanoTime();
    Consumer consumer = start(queueUrl, sizes.slots(), visibility, log);
    JobLog.await(
        () -> log.finished() - (log.isFinished(place) ? 1 : 0) >= sizes.mixed(),
        LIMIT_SECONDS,
        "the short jobs");
    double seconds = (log.lastFinish(id -> id != place) - start) / 1e9;
    log.cutShort();
    consumer.stop();
    Map<String, Double> figures = new LinkedHashMap<>();
    figures.put(
        "timesIdeal",
        seconds / IdealSchedule.seconds(jobs, sizes.slots(), job -> job.id() != place));
    figures.put("finished", (double) log.finished());
    figures.put("repeatedStarts", (double) log.repeatedStarts());
    target.deleteQueue(queueUrl);
    return figures;
  }

  Map<String, Double> stopBusy() throws Exception {
    List<Job> jobs = Job.same(sizes.stopJobs(), sizes.stopMillis());
    String queueUrl = filledQueue(jobs, sizes.longVisibility());
    JobLog log = new JobLog(jobs.size());
    Consumer consumer = start(queueUrl, sizes.slots(), sizes.longVisibility(), log);
    log.awaitFinished(jobs.size() / 3, LIMIT_SECONDS);
    int startedBefore = log.startsInAll();
    long start = System.nanoTime();
    consumer.stop();
    double seconds = (System.nanoTime() - start) / 1e9;
    int stranded = target.inFlight(queueUrl);
    int startedAfter = log.startsInAll() - startedBefore;
    Map<String, Double> figures = new LinkedHashMap<>();
    figures.put("stopSeconds", seconds);
    figures.put("finished", (double) log.finished());
    figures.put("startedAfterStop", (double) startedAfter);
    figures.put("stranded", (double) stranded);
    if (stranded > 0) {
      JobLog.pause(sizes.longVisibility().plusSeconds(1).toMillis());
    }
    int again = 0;
    int rest = 0;
    for (List<String> bodies = target.take(queueUrl, 1);
        !bodies.isEmpty();
        bodies = target.take(queueUrl, 1)) {
      for (String body : bodies) {
        rest++;
        again += log.isFinished(Job.parse(body).id()) ? 1 : 0;
      }
    }
    figures.put("finishedYetRedelivered", (double) again);
    figures.put("lost", (double) (jobs.size() - log.finished() - (rest - again)));
    target.deleteQueue(queueUrl);
    return figures;
  }

  Map<String, Double> stopIdle() throws Exception {
    double longest = 0;
    int swallowed = 0;
    double longestSwallowed = 0;
    for (int offset : AROUND_THE_STOP_MILLIS) {
      String queueUrl = target.createQueue(sizes.longVisibility());
      JobLog log = new JobLog(1);
      Consumer consumer = start(queueUrl, sizes.slots(), sizes.longVisibility(), log);
      JobLog.pause(sizes.idleMillis());
      CompletableFuture<Double> stopping = new CompletableFuture<>();
      if (offset < 0) {
        target.send(queueUrl, new Job(0, 0).body());
        JobLog.pause(-offset);
      }
      onThread(() -> stop(consumer, stopping));
      if (offset >= 0) {
        JobLog.pause(offset);
        target.send(queueUrl, new Job(0, 0).body());
      }
      longest = Math.max(longest, stopping.get());
      double held = log.isFinished(0) ? 0 : secondsUntilReceived(queueUrl);
      if (held > PROMPT_SECONDS) {
        swallowed++;
        longestSwallowed = Math.max(longestSwallowed, held);
      }
      target.deleteQueue(queueUrl);
    }
    Map<String, Double> figures = new LinkedHashMap<>();
    figures.put("stopSeconds", longest);
    figures.put("swallowed", (double) swallowed);
    figures.put("swallowedForSeconds", longestSwallowed);
    return figures;
  }

  private static void stop(Consumer consumer, CompletableFuture<Double> seconds) {
    long start = System.nanoTime();
    try {
      consumer.stop();
      seconds.complete((System.nanoTime() - start) / 1e9);
    } catch (Exception e) {
      seconds.completeExceptionally(e);
    }
  }

  private double secondsUntilReceived(String queueUrl) {
    long start = System.nanoTime();
    long limit = TimeUnit.SECONDS.toNanos((long) LIMIT_SECONDS);
    while (target.take(queueUrl, 1).isEmpty() && System.nanoTime() - start < limit) {
      // Each take waits a second.
    }
    return (System.nanoTime() - start) / 1e9;
  }

  private String filledQueue(List<Job> jobs, Duration visibility) {
    String queueUrl = target.createQueue(visibility);
    sendAll(queueUrl, jobs.stream().map(Job::body).toList());
    return queueUrl;
  }

  private Consumer start(String queueUrl, int slots, Duration visibility, JobLog log)
      throws Exception {
    return contender.start(
        new Consumption(
            queueUrl, slots, visibility, sizes.longPoll(), body -> log.run(Job.parse(body))));
  }
}
