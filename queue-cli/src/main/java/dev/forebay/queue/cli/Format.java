package dev.forebay.queue.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.forebay.queue.DeadLetters;
import dev.forebay.queue.DeadLetters.Item;
import dev.forebay.queue.Message;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Answers as text for people and as JSON for programs. Stateless. */
final class Format {

  private static final ObjectMapper JSON = new ObjectMapper();

  private static final int WIDEST = 40;

  private Format() {}

  /** How the answer is written. */
  enum Output {
    TABLE,
    JSON
  }

  /** One line for each, in columns as wide as they need to be. */
  static List<String> table(List<Item> items, Instant now) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("ID", "CAUSE", "TYPE", "KEY", "AGE", "ATTEMPTS", "REDRIVES"));
    for (Item item : items) {
      rows.add(
          List.of(
              // Whole, since it is what show and --id want.
              plain(item.id()),
              shorten(plain(item.letter().cause().type())),
              shorten(plain(item.message().type().orElse("-"))),
              shorten(plain(item.message().key().orElse("-"))),
              age(Duration.between(item.enqueuedAt(), now)),
              Integer.toString(attempts(item)),
              Integer.toString(item.letter().redrives())));
    }
    int[] widths = new int[rows.get(0).size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    List<String> lines = new ArrayList<>();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
      }
      lines.add(line.toString().stripTrailing());
    }
    return lines;
  }

  private static int attempts(Item item) {
    return item.letter().attempts().failed() + item.letter().attempts().leaseLost();
  }

  /** A dead letter in full. */
  static List<String> full(Item item, Instant now) {
    Message message = item.message();
    List<String> lines = new ArrayList<>();
    lines.add("id             " + plain(item.id()));
    lines.add("cause          " + plain(item.letter().cause().type()));
    lines.add("               " + plain(item.letter().cause().message()));
    lines.add("origin         " + plain(item.letter().origin()));
    lines.add(
        "enqueued       "
            + item.enqueuedAt()
            + ", "
            + age(Duration.between(item.enqueuedAt(), now))
            + " ago");
    lines.add("last delivered " + item.letter().lastDelivered());
    lines.add(
        "attempts       "
            + item.letter().attempts().failed()
            + " failed, "
            + item.letter().attempts().leaseLost()
            + " lost");
    lines.add("redrives       " + item.letter().redrives());
    message.type().ifPresent(type -> lines.add("type           " + plain(type)));
    message.key().ifPresent(key -> lines.add("key            " + plain(key)));
    message.dedupId().ifPresent(id -> lines.add("dedup id       " + plain(id)));
    message.deadline().ifPresent(at -> lines.add("deadline       " + at));
    message
        .headers()
        .forEach((name, value) -> lines.add("header         " + plain(name) + ": " + plain(value)));
    lines.add("body           " + message.bodySize() + " bytes");
    Optional<String> text = text(message.body());
    text.ifPresentOrElse(
        shown -> shown.lines().forEach(line -> lines.add("  " + plain(line))),
        () -> lines.add("  base64 " + Base64.getEncoder().encodeToString(message.body())));
    return lines;
  }

  /** What a run did, in one line and one for each kind of failure. */
  static List<String> report(DeadLetters.Report report, String done, boolean dryRun) {
    List<String> lines = new ArrayList<>();
    lines.add(
        report.matched()
            + " matched, "
            + report.done()
            + (dryRun ? " would be " : " ")
            + done
            + ", "
            + report.skipped()
            + " skipped, "
            + report.failures()
            + " failed"
            + (report.cut() ? "; there may be more" : ""));
    if (report.skipped() > 0) {
      lines.add("skipped: redriven too often already; --max-redrives raises the limit");
    }
    new TreeMap<>(report.failed())
        .forEach((code, count) -> lines.add("failed: " + count + " " + code));
    return lines;
  }

  static String json(DeadLetters.Listing listing) {
    ObjectNode node = JSON.createObjectNode();
    var items = node.putArray("items");
    listing.forEach(item -> items.add(node(item)));
    node.put("cut", listing.cut());
    return write(node);
  }

  static String json(Item item) {
    ObjectNode node = node(item);
    text(item.message().body())
        .ifPresentOrElse(
            text -> node.put("body", text), () -> node.put("bodyBase64", item.message().body()));
    return write(node);
  }

  static String json(DeadLetters.Report report, boolean dryRun) {
    ObjectNode node = JSON.createObjectNode();
    node.put("matched", report.matched());
    node.put("done", report.done());
    node.put("skipped", report.skipped());
    ObjectNode failed = node.putObject("failed");
    new TreeMap<>(report.failed()).forEach((code, count) -> failed.put(code.name(), count));
    node.put("cut", report.cut());
    node.put("dryRun", dryRun);
    return write(node);
  }

  private static ObjectNode node(Item item) {
    Message message = item.message();
    ObjectNode node = JSON.createObjectNode();
    node.put("id", item.id());
    node.putObject("cause")
        .put("type", item.letter().cause().type())
        .put("message", item.letter().cause().message());
    node.put("origin", item.letter().origin());
    node.put("enqueuedAt", item.enqueuedAt().toString());
    node.put("lastDelivered", item.letter().lastDelivered().toString());
    node.putObject("attempts")
        .put("failed", item.letter().attempts().failed())
        .put("leaseLost", item.letter().attempts().leaseLost())
        .put("returned", item.letter().attempts().returned());
    node.put("redrives", item.letter().redrives());
    message.type().ifPresent(type -> node.put("type", type));
    message.key().ifPresent(key -> node.put("key", key));
    message.dedupId().ifPresent(id -> node.put("dedupId", id));
    message.deadline().ifPresent(at -> node.put("deadline", at.toString()));
    ObjectNode headers = node.putObject("headers");
    for (Map.Entry<String, String> header : message.headers().entrySet()) {
      headers.put(header.getKey(), header.getValue());
    }
    node.put("bodyBytes", message.bodySize());
    return node;
  }

  private static String write(JsonNode node) {
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A tree is always JSON", e);
    }
  }

  /** The body as text, if it is some. */
  private static Optional<String> text(byte[] body) {
    try {
      return Optional.of(
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString());
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  /** An age in its largest two units. */
  static String age(Duration age) {
    Duration shown = age.isNegative() ? Duration.ZERO : age;
    if (shown.toDays() > 0) {
      return shown.toDays() + "d " + shown.toHoursPart() + "h";
    }
    if (shown.toHours() > 0) {
      return shown.toHours() + "h " + shown.toMinutesPart() + "m";
    }
    return shown.toMinutes() > 0
        ? shown.toMinutes() + "m " + shown.toSecondsPart() + "s"
        : shown.toSeconds() + "s";
  }

  private static String shorten(String text) {
    return text.length() <= WIDEST ? text : text.substring(0, WIDEST - 1) + "…";
  }

  /** Without control characters: what a stranger enqueued must not steer the terminal. */
  private static String plain(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c ->
                out.appendCodePoint(
                    Character.isISOControl(c) || Character.getType(c) == Character.FORMAT
                        ? '\uFFFD'
                        : c));
    return out.toString();
  }
}
