package dev.forebay.queue.cli;

import dev.forebay.queue.DeadLetterFilter;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.time.SystemTimeSource;
import java.io.PrintStream;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows one dead letter in full. Not thread-safe. */
@Command(
    name = "show",
    sortOptions = false,
    usageHelpAutoWidth = true,
    description = "Shows a dead letter in full, with its body.")
final class ShowCommand implements DeadLettersCommand.Step {

  @Mixin private final Where where = new Where();

  @Parameters(paramLabel = "ID", description = "The message's id.")
  private String id = "";

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
    try (Where.Opened opened = where.open()) {
      List<DeadLetters.Item> found =
          opened.queue().deadLetters().list(DeadLetterFilter.byId(id), 1).items();
      if (found.isEmpty()) {
        err.println("deadletters: no dead letter has the id " + id);
        return DeadLettersCommand.FAILED;
      }
      if (output == Format.Output.JSON) {
        out.println(Format.json(found.get(0)));
      } else {
        Format.full(found.get(0), SystemTimeSource.get().now()).forEach(out::println);
      }
      return DeadLettersCommand.OK;
    }
  }
}
