package dev.forebay.queue.loadtest;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options of a run, as given on the command line. Not thread-safe. */
@Command(
    name = "side-by-side",
    sortOptions = false,
    usageHelpAutoWidth = true,
    description =
        "Replays a trace of inference requests through several queues at once and shows how far"
            + " each is from the ideal.",
    footer = {
      "",
      "Exit code: 0 if nothing was lost, 1 if a request was lost or the run failed, 2 for a bad"
          + " option or trace."
    })
final class Options {
  private static final int MOST_REQUESTS = 1_000_000;
  private static final int MOST_WORKERS = 1_000;

  @Option(
      names = "--trace",
      paramLabel = "FILE",
      description =
          "Trace to replay: TIMESTAMP,ContextTokens,GeneratedTokens or"
              + " t_ms,input_tokens,output_tokens. Default: generated traffic in bursts.")
  @Nullable Path trace;

  @Option(
      names = "--requests",
      paramLabel = "N",
      converter = RequestCount.class,
      description =
          "How many requests to generate (default: 1000), or to take from the start of the trace"
              + " (default: all).")
  @Nullable Integer requests;

  @Option(
      names = "--speedup",
      paramLabel = "K",
      converter = Factor.class,
      defaultValue = "10",
      description =
          "How much faster than the trace; shortens service times and time-outs alike (default:"
              + " ${DEFAULT-VALUE}).")
  double speedup;

  @Option(
      names = "--queues",
      paramLabel = "LIST",
      converter = QueueList.class,
      defaultValue = "memory,sqs,kafka",
      description = "Which queues, in this order (default: ${DEFAULT-VALUE}).")
  QueueNames queues = new QueueNames(List.of());

  @Option(
      names = "--workers",
      paramLabel = "N",
      converter = WorkerCount.class,
      defaultValue = "12",
      description =
          "Slots on each queue; half of them are slow hardware (default: ${DEFAULT-VALUE}).")
  int workers;

  @Option(
      names = "--lease",
      paramLabel = "SECONDS",
      converter = Lease.class,
      defaultValue = "30",
      description = "Lease of a message, in the time of the trace (default: ${DEFAULT-VALUE}).")
  Duration lease = Duration.ZERO;

  @Option(
      names = "--failures",
      paramLabel = "PERCENT",
      converter = Percent.class,
      defaultValue = "1.5",
      description = "Requests that fail at their first attempt (default: ${DEFAULT-VALUE}).")
  double failures;

  @Option(
      names = "--poisson",
      description = "Replay the control instead: the same requests arriving evenly.")
  boolean poisson;

  @Option(
      names = "--seed",
      paramLabel = "N",
      converter = Seed.class,
      defaultValue = "7",
      description =
          "Decides on generated traffic, failures and the control (default: ${DEFAULT-VALUE}).")
  long seed;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "target/side-by-side",
      description = "Where report.json and report.html go (default: ${DEFAULT-VALUE}).")
  Path out = Path.of("");

  @Option(names = "--help", usageHelp = true, description = "Show this help.")
  boolean help;

  /**
   * Takes away options without a value: Maven cannot leave out an argument of a property that is
   * not set, and passes {@code --trace=} instead.
   */
  static String[] withoutEmpty(String... args) {
    return Arrays.stream(args).filter(arg -> !arg.matches("--[a-z]+=")).toArray(String[]::new);
  }

  /**
   * Which queues to run. A type of its own, because picocli would split and append to a list.
   *
   * @param names in the order they were asked for
   */
  record QueueNames(List<String> names) {
    static final List<String> ALL = List.of("memory", "sqs", "kafka");

    QueueNames {
      names = List.copyOf(names);
    }
  }

  static final class QueueList implements ITypeConverter<QueueNames> {
    @Override
    public QueueNames convert(String value) {
      Set<String> names = new LinkedHashSet<>();
      for (String part : value.split(",", -1)) {
        String name = part.strip().toLowerCase(Locale.ROOT);
        if (!QueueNames.ALL.contains(name)) {
          throw new TypeConversionException(
              "'" + part.strip() + "' is not one of " + String.join(", ", QueueNames.ALL));
        }
        if (!names.add(name)) {
          throw new TypeConversionException("'" + name + "' is there twice");
        }
      }
      return new QueueNames(List.copyOf(names));
    }
  }

  static final class RequestCount extends WholeNumber<Integer> {
    @Override
    public Integer convert(String value) {
      return (int) within(value, 1, MOST_REQUESTS);
    }
  }

  static final class WorkerCount extends WholeNumber<Integer> {
    @Override
    public Integer convert(String value) {
      return (int) within(value, 1, MOST_WORKERS);
    }
  }

  static final class Seed extends WholeNumber<Long> {
    @Override
    public Long convert(String value) {
      return within(value, Long.MIN_VALUE, Long.MAX_VALUE);
    }
  }

  private abstract static class WholeNumber<T> implements ITypeConverter<T> {
    static long within(String value, long least, long most) {
      try {
        long number = Long.parseLong(value.strip());
        if (number >= least && number <= most) {
          return number;
        }
      } catch (NumberFormatException e) {
        // Said below, in the words of the option.
      }
      throw new TypeConversionException(
          "'" + value + "' is not a whole number from " + least + " to " + most);
    }
  }

  static final class Factor extends Decimal {
    @Override
    public Double convert(String value) {
      return within(value, 0.1, 1_000);
    }
  }

  static final class Percent extends Decimal {
    @Override
    public Double convert(String value) {
      return within(value, 0, 100);
    }
  }

  private abstract static class Decimal implements ITypeConverter<Double> {
    static double within(String value, double least, double most) {
      try {
        double number = Double.parseDouble(value.strip());
        if (number >= least && number <= most) {
          return number;
        }
      } catch (NumberFormatException e) {
        // Said below, in the words of the option.
      }
      throw new TypeConversionException(
          "'" + value + "' is not a number from " + least + " to " + most);
    }
  }

  static final class Lease implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String value) {
      return Duration.ofMillis(Math.round(Decimal.within(value, 1, 43_200) * 1_000));
    }
  }
}
