package dev.forebay.queue.testkit.contract;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How the figures of {@link dev.forebay.queue.Capabilities} are written for people. Stateless. */
final class CapabilityNumbers {

  private static final String NOT_OFFERED = "–";
  private static final long SECOND = 1_000;
  private static final long MINUTE = 60 * SECOND;
  private static final long HOUR = 60 * MINUTE;
  private static final long DAY = 24 * HOUR;
  private static final Duration NO_LIMIT = Duration.ofDays(36_500);

  /** Rows in the order of the document; a figure that is not here follows under its own name. */
  private static final Map<String, String> LABELS = new LinkedHashMap<>();

  static {
    LABELS.put("minLease", "shortest lease");
    LABELS.put("maxLease", "longest lease");
    LABELS.put("maxLeaseTotal", "held in all");
    LABELS.put("lateness", "lateness");
    LABELS.put("failureDetection", "failure detection beyond the lease");
    LABELS.put("maxEnqueueDelay", "longest enqueue delay");
    LABELS.put("maxReleaseDelay", "longest release delay");
    LABELS.put("maxMessageBytes", "bytes a message");
    LABELS.put("maxHeaders", "headers");
    LABELS.put("maxKeyBytes", "key bytes");
    LABELS.put("maxDedupIdBytes", "dedup id bytes");
    LABELS.put("enqueueBatch", "enqueues a request");
    LABELS.put("receiveBatch", "deliveries a receive");
    LABELS.put("settleBatch", "settlements a request");
    LABELS.put("dedupWindow", "dedup window");
    LABELS.put("ordering", "order");
    LABELS.put("exclusivity", "exclusivity of a lease");
    LABELS.put("attemptPrecision", "attempts and causes");
    LABELS.put("fencing", "fencing tokens grow");
    LABELS.put("returnsWithoutAttempt", "return without an attempt");
    LABELS.put("deadLetters", "dead letters");
  }

  private CapabilityNumbers() {}

  static String label(String name) {
    return LABELS.getOrDefault(
        name, name.replaceAll("([A-Z])", " $1").toLowerCase(Locale.ROOT).trim());
  }

  /** The rows of these columns: the known ones in their order, then whatever else there is. */
  static List<String> rows(Collection<Map<String, String>> columns) {
    List<String> rows = new ArrayList<>(LABELS.values());
    for (Map<String, String> column : columns) {
      column.keySet().stream().filter(row -> !rows.contains(row)).forEach(rows::add);
    }
    return rows;
  }

  static String cell(JsonNode value) {
    if (value.isBoolean()) {
      return value.asBoolean() ? "yes" : NOT_OFFERED;
    }
    if (value.isNumber()) {
      long number = value.asLong();
      return number == Integer.MAX_VALUE ? "any" : String.format(Locale.ROOT, "%,d", number);
    }
    String text = value.asText();
    return text.startsWith("PT")
        ? duration(Duration.parse(text))
        : text.toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private static String duration(Duration time) {
    if (time.isZero()) {
      return NOT_OFFERED;
    }
    if (time.compareTo(NO_LIMIT) >= 0) {
      return "no limit";
    }
    long millis = time.toMillis();
    if (time.compareTo(Duration.ofDays(2)) >= 0 && millis % DAY == 0) {
      return millis / DAY + " d";
    }
    if (millis > 0 && millis % HOUR == 0) {
      return millis / HOUR + " h";
    }
    if (millis > 0 && millis % MINUTE == 0) {
      return millis / MINUTE + " min";
    }
    if (millis < 100) {
      return millis + " ms";
    }
    return millis % SECOND == 0
        ? millis / SECOND + " s"
        : String.format(Locale.ROOT, "%.1f s", (double) millis / SECOND);
  }
}
