package dev.forebay.queue.cli;

import dev.forebay.queue.QueueException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

/**
 * Lists, shows, redrives and discards the dead letters of a queue: the program {@code deadletters}.
 * {@code --help} lists what it can do.
 */
@Command(
    name = "deadletters",
    mixinStandardHelpOptions = false,
    usageHelpAutoWidth = true,
    synopsisSubcommandLabel = "COMMAND",
    description = "Looks at the dead letters of a queue, brings them back or throws them away.",
    subcommands = {
      ListCommand.class,
      ShowCommand.class,
      RedriveCommand.class,
      DiscardCommand.class
    },
    footer = {
      "",
      "Exit code: 0 if all was done, 1 if something failed or was not found, 2 for a wrong option."
    })
public final class DeadLettersCommand {

  /** All was done. */
  static final int OK = 0;

  /** Something failed or was not found. */
  static final int FAILED = 1;

  /** An option is wrong. */
  static final int BAD_INPUT = 2;

  @CommandLine.Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  boolean help;

  DeadLettersCommand() {}

  /** Runs and exits with 0, 1 if something failed or was not found, or 2 for a wrong option. */
  public static void main(String[] args) {
    int code = run(stream(FileDescriptor.out), stream(FileDescriptor.err), args);
    // The clients leave threads behind that would keep the process for a while.
    System.exit(code);
  }

  private static PrintStream stream(FileDescriptor descriptor) {
    return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
  }

  /** Runs with these arguments and returns the exit code; the answer goes to {@code out}. */
  static int run(PrintStream out, PrintStream err, String... args) {
    CommandLine commands = new CommandLine(new DeadLettersCommand());
    commands.setCaseInsensitiveEnumValuesAllowed(true);
    CommandLine.ParseResult parsed;
    try {
      parsed = commands.parseArgs(args);
      CommandLine.ParseResult last = parsed;
      while (last.hasSubcommand()) {
        last = last.subcommand();
      }
      if (last.isUsageHelpRequested()) {
        last.commandSpec().commandLine().usage(out);
        return OK;
      }
      if (!(last.commandSpec().userObject() instanceof Step step)) {
        throw new ParameterException(
            commands, "Say what to do: list, show, redrive or discard (--help explains)");
      }
      return step.run(out, err);
    } catch (ParameterException e) {
      err.println("deadletters: " + oneLine(e.getMessage()));
      return BAD_INPUT;
    } catch (QueueException e) {
      err.println("deadletters: " + oneLine(e.getMessage()));
      return FAILED;
    }
  }

  private static String oneLine(@org.jspecify.annotations.Nullable String text) {
    return text == null ? "failed" : text.replaceAll("\\s*\\R\\s*", " ");
  }

  /** What a subcommand does. */
  interface Step {
    /** Returns the exit code. */
    int run(PrintStream out, PrintStream err);
  }
}
