package dev.forebay.queue.cli;

import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.RedriveOptions;
import java.io.PrintStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Brings dead letters back to their queue. Not thread-safe. */
@Command(
    name = "redrive",
    sortOptions = false,
    usageHelpAutoWidth = true,
    description = "Brings dead letters back to their queue, at their first attempt again.")
final class RedriveCommand implements DeadLettersCommand.Step {

  @Mixin private final Where where = new Where();
  @Mixin private final Which which = new Which();
  @Mixin private final How how = new How();

  @Option(
      names = "--max-redrives",
      paramLabel = "N",
      description = "Skip what was redriven so often already (default: 3).")
  private @Nullable Integer maxRedrives;

  @Option(
      names = "--output",
      paramLabel = "table|json",
      defaultValue = "table",
      description = "How to write it (default: ${DEFAULT-VALUE}).")
  private Format.Output output = Format.Output.TABLE;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  boolean help;

  @Override
  public int run(PrintStream out, PrintStream err) {
    RedriveOptions options = how.options(where, which, err);
    if (maxRedrives != null) {
      if (maxRedrives < 0) {
        throw where.wrong("--max-redrives must not be negative: " + maxRedrives);
      }
      options = options.maxRedrives(maxRedrives);
    }
    try (Where.Opened opened = where.open()) {
      DeadLetters.Report report = opened.queue().deadLetters().redrive(which.filter(), options);
      if (output == Format.Output.JSON) {
        out.println(Format.json(report, how.isDryRun()));
      } else {
        Format.report(report, "redriven", how.isDryRun()).forEach(out::println);
      }
      return how.code(report);
    }
  }
}
