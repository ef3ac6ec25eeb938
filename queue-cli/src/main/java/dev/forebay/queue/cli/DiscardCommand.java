package dev.forebay.queue.cli;

import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.RedriveOptions;
import java.io.PrintStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Throws dead letters away. Not thread-safe. */
@Command(
    name = "discard",
    sortOptions = false,
    usageHelpAutoWidth = true,
    description = "Throws dead letters away, for good.")
final class DiscardCommand implements DeadLettersCommand.Step {

  @Mixin private final Where where = new Where();
  @Mixin private final Which which = new Which();
  @Mixin private final How how = new How();

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
    try (Where.Opened opened = where.open()) {
      DeadLetters.Report report = opened.queue().deadLetters().discard(which.filter(), options);
      if (output == Format.Output.JSON) {
        out.println(Format.json(report, how.isDryRun()));
      } else {
        Format.report(report, "discarded", how.isDryRun()).forEach(out::println);
      }
      return how.code(report);
    }
  }
}
