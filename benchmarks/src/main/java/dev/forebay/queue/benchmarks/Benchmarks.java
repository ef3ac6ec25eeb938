package dev.forebay.queue.benchmarks;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;

/** The entry: {@code Benchmarks NAME [options]} runs one benchmark. */
@Command(
    name = "benchmarks",
    description = "Measures the figures of docs/benchmarks.md.",
    mixinStandardHelpOptions = true,
    subcommands = {
      SqsPeers.class,
      SqsServerCommand.class,
      SqsContenderCommand.class,
      MemoryScale.class,
      MemoryScaleCommand.class,
      Concurrency.class,
      WorkerOverhead.class,
      LeaseFigures.class,
      KafkaShareFigures.class,
      KafkaKeyedFigures.class,
      KafkaKeyedContender.class,
      KafkaKeyedMembers.class,
      KafkaServerCommand.class,
    })
public final class Benchmarks {

  private Benchmarks() {}

  /** Runs the benchmark that the arguments name; ends with its exit code. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return new CommandLine(new Benchmarks()).setExecutionStrategy(Benchmarks::run);
  }

  private static int run(ParseResult parsed) {
    System.setProperty(Report.COMMAND_PROPERTY, String.join(" ", parsed.originalArgs()));
    return new RunLast().execute(parsed);
  }
}
