package dev.forebay.queue.cli;

import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.time.SystemTimeSource;
import java.io.PrintStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Lists dead letters without taking them. Not thread-safe. */
@Command(
    name = "list",
    sortOptions = false,
    usageHelpAutoWidth = true,
    description = "Lists dead letters; takes none away.")
final class ListCommand implements DeadLettersCommand.Step {

  private static final int MOST = 100_000;

  @Mixin private final Where where = new Where();
  @Mixin private final Which which = new Which();

  @Option(
      names = "--max",
      paramLabel = "N",
      defaultValue = "100",
      description = "At most so many (default: ${DEFAULT-VALUE}).")
  private int max;

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
    if (max < 1 || max > MOST) {
      throw where.wrong("--max must be from 1 to " + MOST + ", not " + max);
    }
    try (Where.Opened opened = where.open()) {
      DeadLetters.Listing found = opened.queue().deadLetters().list(which.filter(), max);
      if (output == Format.Output.JSON) {
        out.println(Format.json(found));
        return DeadLettersCommand.OK;
      }
      if (!found.items().isEmpty()) {
        Format.table(found.items(), SystemTimeSource.get().now()).forEach(out::println);
      }
      out.println(
          found.items().size()
              + (found.items().size() == 1 ? " dead letter" : " dead letters")
              + (found.cut() ? "; there may be more" : ""));
      return DeadLettersCommand.OK;
    }
  }
}
