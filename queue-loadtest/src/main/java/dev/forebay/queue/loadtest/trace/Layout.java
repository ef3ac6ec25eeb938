package dev.forebay.queue.loadtest.trace;

import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.ResolverStyle;
import java.time.temporal.ChronoField;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which columns of a trace file hold what, found from its header. Immutable.
 *
 * @param names the header's cells
 * @param time index of the arrival's column
 * @param input index of the prompt tokens' column
 * @param output index of the generated tokens' column
 * @param timeFormat how a time looks in this layout, for error messages
 * @param timeParser turns a cell into the time since some fixed origin, or null
 */
record Layout(
    List<String> names,
    int time,
    int input,
    int output,
    String timeFormat,
    Function<String, @Nullable Duration> timeParser) {

  static final String EXPECTED =
      "expected TIMESTAMP,ContextTokens,GeneratedTokens or t_ms,input_tokens,output_tokens";

  private static final Pattern MILLIS = Pattern.compile("[0-9]{1,12}(\\.[0-9]{1,9})?");

  /** 2023-11-16 18:17:03.9799600, with a T instead of the space or an offset of zero. */
  private static final DateTimeFormatter TIMESTAMP =
      new DateTimeFormatterBuilder()
          .appendPattern("uuuu-MM-dd")
          .appendLiteral(' ')
          .appendPattern("HH:mm:ss")
          .appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true)
          .toFormatter(Locale.ROOT)
          .withResolverStyle(ResolverStyle.STRICT);

  private static final Pattern ZERO_OFFSET = Pattern.compile("(Z|\\+00:?00)$");
  private static final LocalDateTime ORIGIN = LocalDate.EPOCH.atStartOfDay();

  /** The layout with this header, or null if it is none of ours. */
  static @Nullable Layout of(String header) {
    // Some tools put a byte order mark in front; read byte by byte it is these three characters.
    String text = header.startsWith("\u00ef\u00bb\u00bf") ? header.substring(3) : header;
    List<String> names = Arrays.stream(text.split(",", -1)).map(String::strip).toList();
    Layout azure =
        find(
            names,
            List.of("TIMESTAMP", "ContextTokens", "GeneratedTokens"),
            "a time like 2023-11-16 18:17:03.97",
            Layout::parseTimestamp);
    return azure != null
        ? azure
        : find(
            names,
            List.of("t_ms", "input_tokens", "output_tokens"),
            "a number of milliseconds",
            Layout::parseMillis);
  }

  int columns() {
    return names.size();
  }

  @Nullable Duration parseTime(String cell) {
    return timeParser.apply(cell.strip());
  }

  private static @Nullable Layout find(
      List<String> names,
      List<String> wanted,
      String timeFormat,
      Function<String, @Nullable Duration> timeParser) {
    int[] at = wanted.stream().mapToInt(names::indexOf).toArray();
    return Arrays.stream(at).anyMatch(i -> i < 0)
        ? null
        : new Layout(names, at[0], at[1], at[2], timeFormat, timeParser);
  }

  private static @Nullable Duration parseMillis(String cell) {
    return MILLIS.matcher(cell).matches()
        ? Duration.ofNanos(new BigDecimal(cell).movePointRight(6).longValue())
        : null;
  }

  private static @Nullable Duration parseTimestamp(String cell) {
    String local = ZERO_OFFSET.matcher(cell.replace('T', ' ')).replaceFirst("").strip();
    try {
      LocalDateTime time = LocalDateTime.parse(local, TIMESTAMP);
      return Duration.between(ORIGIN.atOffset(ZoneOffset.UTC), time.atOffset(ZoneOffset.UTC));
    } catch (DateTimeException e) {
      return null;
    }
  }
}
