package dev.forebay.queue.loadtest;

import dev.forebay.queue.loadtest.console.ProgressView;
import dev.forebay.queue.loadtest.console.Terminal;
import dev.forebay.queue.loadtest.model.Failures;
import dev.forebay.queue.loadtest.model.IdealQueue;
import dev.forebay.queue.loadtest.model.Slots;
import dev.forebay.queue.loadtest.model.SpeedUp;
import dev.forebay.queue.loadtest.model.Timeline;
import dev.forebay.queue.loadtest.replay.Plan;
import dev.forebay.queue.loadtest.replay.Replay;
import dev.forebay.queue.loadtest.report.Comparison;
import dev.forebay.queue.loadtest.report.QueueResult;
import dev.forebay.queue.loadtest.report.Reports;
import dev.forebay.queue.loadtest.trace.BadTraceException;
import dev.forebay.queue.loadtest.trace.CodeLikeTraffic;
import dev.forebay.queue.loadtest.trace.PoissonControl;
import dev.forebay.queue.loadtest.trace.Trace;
import dev.forebay.queue.loadtest.trace.TraceFile;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/**
 * Replays a trace of inference requests through several queues side by side, and shows how far each
 * is from the ideal: the program behind {@code mvn -Pdemo}. {@code --help} lists its options.
 */
public final class SideBySide {
  /** Nothing was lost. */
  static final int OK = 0;

  /** A request was lost, or the run failed. */
  static final int LOST = 1;

  /** An option or the trace is bad. */
  static final int BAD_INPUT = 2;

  /** Where the log of libraries and brokers goes; read by logback.xml. */
  private static final String LOG_PROPERTY = "forebay.loadtest.log";

  private static final int GENERATED_REQUESTS = 1_000;

  /** After a failure the accelerator's memory is cleared: a second is enough for that. */
  private static final Duration BACKOFF = Duration.ofSeconds(1);

  private static final Duration REDRAW = Duration.ofMillis(250);
  private static final Duration PLAIN_LINES = Duration.ofSeconds(5);

  private final PrintStream out;
  private final PrintStream err;
  private final boolean redraw;

  SideBySide(PrintStream out, PrintStream err, boolean redraw) {
    this.out = out;
    this.err = err;
    this.redraw = redraw;
  }

  /** Runs and exits with 0, 1 if anything was lost, or 2 for a bad option or trace. */
  public static void main(String[] args) throws InterruptedException {
    int code = new SideBySide(Terminal.output(), Terminal.errors(), Terminal.canRedraw()).run(args);
    // Servers and their pools leave threads behind that would keep the process.
    System.exit(code);
  }

  /** Runs with these arguments and returns the exit code. */
  int run(String... args) throws InterruptedException {
    Options options = new Options();
    CommandLine commands = new CommandLine(options);
    try {
      commands.parseArgs(Options.withoutEmpty(args));
      if (options.help) {
        commands.usage(out);
        return OK;
      }
      Trace trace = trace(options);
      prepare(options.out);
      return compare(options, trace);
    } catch (ParameterException | BadTraceException | BadDirectoryException e) {
      err.println("side-by-side: " + e.getMessage());
      return BAD_INPUT;
    } catch (IllegalStateException | IOException e) {
      err.println("side-by-side: " + e.getMessage());
      err.println("The log is " + shortest(options.out).resolve("run.log"));
      return LOST;
    }
  }

  private static Trace trace(Options options) throws BadTraceException {
    Path file = options.trace;
    Trace trace;
    if (file == null) {
      int count = options.requests == null ? GENERATED_REQUESTS : options.requests;
      trace = new CodeLikeTraffic(options.seed).generate(count);
    } else {
      trace = TraceFile.read(file);
      trace = options.requests == null ? trace : trace.first(options.requests);
    }
    return options.poisson ? PoissonControl.of(trace, options.seed) : trace;
  }

  /**
   * Before the run, not after it: a run of an hour must not end in a report that cannot be kept.
   */
  private static void prepare(Path directory) throws BadDirectoryException {
    try {
      Files.createDirectories(directory);
    } catch (IOException e) {
      throw new BadDirectoryException(directory, e);
    }
    if (!Files.isWritable(directory)) {
      throw new BadDirectoryException(directory, null);
    }
    System.setProperty(LOG_PROPERTY, directory.resolve("run.log").toString());
  }

  private int compare(Options options, Trace trace) throws InterruptedException, IOException {
    SpeedUp speedUp = new SpeedUp(options.speedup);
    Slots slots = Slots.of(options.workers);
    Failures failures = new Failures(options.seed, options.failures / 100, BACKOFF);
    Timeline ideal = IdealQueue.simulate(trace, speedUp, slots, failures);
    Timeline control =
        IdealQueue.simulate(PoissonControl.of(trace, options.seed), speedUp, slots, failures);
    Plan plan = new Plan(trace, speedUp, slots, failures, options.lease);
    List<QueueResult> results;
    try (Replay replay = new Replay(plan)) {
      out.println("Starting " + String.join(", ", options.queues.names()) + " …");
      replay.start(options.queues.names());
      out.println(
          "Replaying for about " + Math.max(1, ideal.end().toSeconds()) + " s and a little more.");
      ProgressView view = new ProgressView(out, redraw);
      results = replay.run(ideal, view::draw, redraw ? REDRAW : PLAIN_LINES);
    }
    int failing = (int) IntStream.range(0, trace.size()).filter(i -> failures.fails(i, 1)).count();
    Comparison run =
        new Comparison(
            trace, speedUp, options.seed, slots, failing, ideal, control, plan.timeOuts(), results);
    Reports.write(run, options.out);
    show(run, options.out);
    return run.anyLost() ? LOST : OK;
  }

  private void show(Comparison run, Path directory) {
    out.println();
    out.println(Reports.subject(run) + ".");
    out.println();
    out.print(Reports.table(run));
    out.println();
    out.println(Reports.verdict(run) + ".");
    out.println("Local servers show semantics and the library's own cost, never AWS's latency.");
    Path shown = shortest(directory);
    out.println(shown.resolve(Reports.HTML) + "  " + shown.resolve(Reports.JSON));
  }

  /** As the user would type it: without the directory they are in. */
  private static Path shortest(Path directory) {
    Path here = Path.of("").toAbsolutePath();
    Path there = directory.toAbsolutePath();
    return there.startsWith(here) ? here.relativize(there) : directory;
  }

  /** A directory for the reports that cannot be used. */
  private static final class BadDirectoryException extends Exception {
    private static final long serialVersionUID = 1L;

    BadDirectoryException(Path directory, @Nullable Throwable cause) {
      super("--out: cannot write to the directory '" + directory + "'", cause);
    }
  }
}
