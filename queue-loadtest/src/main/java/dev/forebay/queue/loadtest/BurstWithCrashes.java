package dev.forebay.queue.loadtest;

import dev.forebay.queue.loadtest.model.Failures;
import dev.forebay.queue.loadtest.model.IdealQueue;
import dev.forebay.queue.loadtest.model.ServiceTime;
import dev.forebay.queue.loadtest.model.Slots;
import dev.forebay.queue.loadtest.model.SpeedClass;
import dev.forebay.queue.loadtest.model.SpeedUp;
import dev.forebay.queue.loadtest.model.Timeline;
import dev.forebay.queue.loadtest.replay.BurstReplay;
import dev.forebay.queue.loadtest.replay.Plan;
import dev.forebay.queue.loadtest.trace.BadTraceException;
import dev.forebay.queue.loadtest.trace.CodeLikeTraffic;
import dev.forebay.queue.loadtest.trace.Request;
import dev.forebay.queue.loadtest.trace.Trace;
import dev.forebay.queue.loadtest.trace.TraceFile;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The program behind {@code mvn -Pburst}. */
@Command(
    name = "burst",
    sortOptions = false,
    usageHelpAutoWidth = true,
    description =
        "Replays a burst of inference requests through the in-memory queue while attempts fail,"
            + " handlers hang and two workers die, and looks for what was lost or done twice.",
    footer = {
      "",
      "Exit code: 0 if every request has its effect exactly once and none is left or dead, else 1.",
      "The age does not count: it is a figure of the machine, too."
    })
final class BurstWithCrashes implements Callable<Integer> {

  /** What age at the first start may be above the ideal queue's. */
  private static final double AGE_FACTOR = 1.1;

  private static final double AGE_MILLIS = 50;

  /** After a failure the accelerator's memory is cleared: a second is enough for that. */
  private static final Duration BACKOFF = Duration.ofSeconds(1);

  @Option(names = "--trace", description = "Trace to replay. Default: generated traffic in bursts.")
  @Nullable Path trace;

  @Option(names = "--requests", description = "How many requests; all of a trace, or 2000.")
  @Nullable Integer requests;

  @Option(names = "--speedup", description = "How much faster than the trace. Default 10.")
  double speedup = 10;

  @Option(names = "--workers", description = "Slots, half of them slow hardware. Default 24.")
  int workers = 24;

  @Option(names = "--failures", description = "Percent that fail at first. Default 1.5.")
  double failures = 1.5;

  @Option(names = "--hangs", description = "Percent that hang at first. Default 1.")
  double hangs = 1;

  @Option(names = "--lease", description = "Lease in seconds of the trace. Default 20.")
  int lease = 20;

  @Option(
      names = "--max-run",
      description =
          "Seconds of the trace after which a handler counts as hung, above the longest request."
              + " Default 40.")
  int maxRun = 40;

  @Option(names = "--seed", description = "Decides on traffic, failures and hangs. Default 7.")
  long seed = 7;

  @Option(
      names = "--no-fencing",
      description = "Writes effects whatever the fencing token: shows that some are done twice.")
  boolean noFencing;

  @Option(names = "--help", usageHelp = true, description = "Show this help.")
  boolean help;

  private final PrintStream out;

  BurstWithCrashes(PrintStream out) {
    this.out = out;
  }

  /** Runs and exits with 0, or 1 if anything was lost or done twice, 2 for a bad option. */
  public static void main(String[] args) {
    System.exit(
        new CommandLine(new BurstWithCrashes(System.out)).execute(Options.withoutEmpty(args)));
  }

  @Override
  public Integer call() throws BadTraceException, InterruptedException {
    Trace requested = trace();
    SpeedUp speedUp = new SpeedUp(speedup);
    Slots slots = Slots.of(workers);
    Failures failing = new Failures(seed, failures / 100, BACKOFF);
    Duration maxRunTime = speedUp.scale(maxRunTime(requested));
    Plan plan = new Plan(requested, speedUp, slots, failing, Duration.ofSeconds(lease));
    Failures all = failing.withHangs(hangs / 100, BurstReplay.hangLasts(plan, maxRunTime));
    plan = new Plan(requested, speedUp, slots, all, Duration.ofSeconds(lease));
    Timeline ideal = IdealQueue.simulate(requested, speedUp, slots, all);
    out.printf(
        Locale.ROOT,
        "%s, %d requests, %s, %d slots, about %d s%n",
        requested.source(),
        requested.size(),
        speedUp,
        workers,
        ideal.end().toSeconds());
    plan.timeOuts().floors().forEach(floor -> out.println("Not scaled: " + floor.sentence()));
    BurstReplay.Result result = new BurstReplay(plan, maxRunTime, !noFencing).run();
    show(ideal, result);
    return result.clean() ? 0 : 1;
  }

  /** Above the longest that is no hang, or that would lose its lease at every attempt. */
  private Duration maxRunTime(Trace of) {
    Duration longest = Duration.ofSeconds(maxRun);
    for (Request request : of.requests()) {
      Duration needs = ServiceTime.of(request, SpeedClass.SLOW).multipliedBy(5).dividedBy(4);
      longest = needs.compareTo(longest) > 0 ? needs : longest;
    }
    return longest;
  }

  private Trace trace() throws BadTraceException {
    Path file = trace;
    if (file == null) {
      return new CodeLikeTraffic(seed).generate(requests == null ? 2_000 : requests);
    }
    Trace read = TraceFile.read(file);
    return requests == null ? read : read.first(requests);
  }

  private void show(Timeline ideal, BurstReplay.Result result) {
    double idealAge = ideal.ageMillis(99).orElse(0);
    double age = result.timeline().ageMillis(99).orElse(0);
    double allowed = AGE_FACTOR * idealAge + AGE_MILLIS;
    out.printf(
        Locale.ROOT,
        "lost %d, effects %d, done twice %d%n"
            + "works carried to their end %d, of which too late and refused %d%n"
            + "in the hands of the two that died %d, leases lost otherwise %d, left %d, dead %d%n"
            + "age p99 %.0f ms, ideal %.0f ms, target at most %.0f ms: %s%n",
        result.lost(),
        result.effects(),
        result.doneTwice(),
        result.completions(),
        result.refusedWrites(),
        result.crashed(),
        result.leasesLost(),
        result.left(),
        result.died(),
        age,
        idealAge,
        allowed,
        age <= allowed ? "met" : String.format(Locale.ROOT, "MISSED by %.0f ms", age - allowed));
    out.println(
        result.clean()
            ? "Every request has its effect once; nothing is left."
            : "NOT CLEAN: something was lost, done twice, left over or dead-lettered.");
    if (!result.refusal().isEmpty()) {
      out.println("The queue refused messages: " + result.refusal());
    }
  }
}
