package dev.forebay.queue.cli;

import dev.forebay.queue.DeadLetterFilter;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Which dead letters: the options that choose among them. Not thread-safe. */
final class Which {

  @Option(names = "--cause", paramLabel = "CAUSE", description = "Only those of this cause.")
  private @Nullable String cause;

  @Option(names = "--type", paramLabel = "TYPE", description = "Only messages of this type.")
  private @Nullable String type;

  @Option(names = "--key", paramLabel = "KEY", description = "Only messages of this key.")
  private @Nullable String key;

  @Option(names = "--id", paramLabel = "ID", description = "Only the message of this id.")
  private @Nullable String id;

  @Option(
      names = "--older-than",
      paramLabel = "AGE",
      converter = Age.class,
      description = "Only messages first enqueued so long ago: 30s, 15m, 12h, 7d.")
  private @Nullable Duration olderThan;

  @Option(
      names = "--younger-than",
      paramLabel = "AGE",
      converter = Age.class,
      description = "Only messages first enqueued since then.")
  private @Nullable Duration youngerThan;

  /** Whether any of them was given. */
  boolean isGiven() {
    return cause != null
        || type != null
        || key != null
        || id != null
        || olderThan != null
        || youngerThan != null;
  }

  /** All of them together. */
  DeadLetterFilter filter() {
    DeadLetterFilter filter = DeadLetterFilter.all();
    filter = cause == null ? filter : filter.and(DeadLetterFilter.byCause(cause));
    filter = type == null ? filter : filter.and(DeadLetterFilter.byType(type));
    filter = key == null ? filter : filter.and(DeadLetterFilter.byKey(key));
    filter = id == null ? filter : filter.and(DeadLetterFilter.byId(id));
    filter = olderThan == null ? filter : filter.and(DeadLetterFilter.olderThan(olderThan));
    return youngerThan == null ? filter : filter.and(DeadLetterFilter.youngerThan(youngerThan));
  }

  /** An age in one unit. */
  static final class Age implements ITypeConverter<Duration> {

    private static final Pattern AGE = Pattern.compile("(\\d{1,9})([smhd])");

    @Override
    public Duration convert(String text) {
      Matcher matcher = AGE.matcher(text);
      if (!matcher.matches()) {
        throw new TypeConversionException(
            "'" + text + "' is no age; write a number and s, m, h or d, such as 15m");
      }
      long number = Long.parseLong(matcher.group(1));
      return switch (matcher.group(2)) {
        case "s" -> Duration.ofSeconds(number);
        case "m" -> Duration.ofMinutes(number);
        case "h" -> Duration.ofHours(number);
        default -> Duration.ofDays(number);
      };
    }
  }
}
