package dev.forebay.queue.cli;

import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.RedriveOptions;
import java.io.PrintStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a redrive or discard goes about it. Not thread-safe. */
final class How {

  /** One line on the terminal for so many. */
  private static final long PER_LINE = 1_000;

  @Option(names = "--all", description = "All of them: what to say instead of a filter.")
  private boolean all;

  @Option(names = "--dry-run", description = "Only tell what would be done.")
  private boolean dryRun;

  @Option(
      names = "--per-second",
      paramLabel = "RATE",
      description = "At most so many a second; as fast as possible by default.")
  private @Nullable Double perSecond;

  @Option(names = "--max", paramLabel = "N", description = "At most so many in all.")
  private @Nullable Long max;

  /** The options of the run. */
  RedriveOptions options(Where where, Which which, PrintStream err) {
    if (!all && !which.isGiven()) {
      throw where.wrong("Give a filter such as --cause, or --all");
    }
    if (all && which.isGiven()) {
      throw where.wrong("--all and a filter contradict each other");
    }
    if (perSecond != null && !(perSecond > 0)) {
      throw where.wrong("--per-second must be above zero, not " + perSecond);
    }
    if (max != null && max < 1) {
      throw where.wrong("--max must be at least 1, not " + max);
    }
    RedriveOptions options =
        perSecond == null ? RedriveOptions.unlimited() : RedriveOptions.perSecond(perSecond);
    options = max == null ? options : options.max(max);
    options = options.onProgress(new Progress(err));
    return dryRun ? options.dryRun() : options;
  }

  /** What was asked for was done, as far as the run may say so. */
  int code(DeadLetters.Report report) {
    boolean full = max != null && report.matched() >= max;
    boolean stopped = report.cut() && !full;
    return report.failures() > 0 || stopped ? DeadLettersCommand.FAILED : DeadLettersCommand.OK;
  }

  boolean isDryRun() {
    return dryRun;
  }

  /** Tells of long runs that they go on. */
  private static final class Progress implements java.util.function.Consumer<DeadLetters.Report> {
    private final PrintStream err;
    private long told;

    Progress(PrintStream err) {
      this.err = err;
    }

    @Override
    public void accept(DeadLetters.Report report) {
      if (report.matched() - told >= PER_LINE) {
        told = report.matched();
        err.println(told + " so far");
      }
    }
  }
}
