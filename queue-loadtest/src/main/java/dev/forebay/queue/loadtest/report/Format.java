package dev.forebay.queue.loadtest.report;

import java.time.Duration;
import java.util.Locale;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** Figures as people read them, the same in the table and in the page. */
final class Format {
  static final String NONE = "–";

  private Format() {}

  static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  static String millis(OptionalDouble millis) {
    return millis.isEmpty() ? NONE : millis(millis.getAsDouble());
  }

  static String millis(@Nullable Double millis) {
    return millis == null ? NONE : millis(millis.doubleValue());
  }

  /** Three digits or so, in the unit that needs no thousands. */
  static String millis(double millis) {
    if (millis == 0) {
      return "0 ms";
    }
    if (millis < 10) {
      return String.format(Locale.ROOT, "%.1f ms", millis);
    }
    if (millis < 999.5) {
      return String.format(Locale.ROOT, "%.0f ms", millis);
    }
    return millis < 9_995
        ? String.format(Locale.ROOT, "%.2f s", millis / 1_000)
        : seconds(millis / 1_000);
  }

  static String seconds(double seconds) {
    return String.format(Locale.ROOT, "%,.1f s", seconds);
  }

  /** A time as people say it: 57 min 4 s, 42 s. */
  static String time(Duration time) {
    long seconds = Math.round(time.toMillis() / 1e3);
    if (seconds < 60) {
      return seconds + " s";
    }
    return count(seconds / 60) + " min" + (seconds % 60 == 0 ? "" : " " + seconds % 60 + " s");
  }

  static String decimal(@Nullable Double value, int digits) {
    return value == null ? NONE : String.format(Locale.ROOT, "%,." + digits + "f", value);
  }

  static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", share * 100);
  }

  /** An axis label: no more digits than the step between two labels needs. */
  static String axis(double value) {
    return value == Math.rint(value)
        ? count((long) value)
        : String.format(Locale.ROOT, "%s", (float) value);
  }
}
