package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.Capabilities;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a contract class found, by rule: a line per rule on the screen, and {@code
 * target/contract/<backend>.json}, from which {@code docs/capabilities.md} is made.
 */
final class ContractReport {

  /** JUnit configuration parameter or system property; an empty value reports nothing at all. */
  static final String DIRECTORY_PARAMETER = "forebay.contract.report";

  static final String DIRECTORY = "target/contract";

  private final ContractRun run;

  ContractReport(ContractRun run) {
    this.run = run;
  }

  void print() {
    if (run.capabilities() == null) {
      System.out.printf(
          "%nContract (%s): nothing ran, there is no backend%n", run.contract().getSimpleName());
      return;
    }
    StringBuilder out = new StringBuilder();
    out.append(
        String.format("%nContract of %s (%s)%n", run.reportName(), run.contract().getSimpleName()));
    run.byRule()
        .forEach(
            (rule, results) ->
                out.append(
                    String.format(
                        "  %-3s %-46s %s%n", rule.name(), rule.summary(), summary(results))));
    if (!run.contract().isAnnotationPresent(Expected.class)) {
      out.append(String.format("Not pinned. To pin what there is:%n%s%n", run.pin()));
    }
    System.out.print(out);
  }

  private static String summary(List<ContractRun.Result> results) {
    if (results.isEmpty()) {
      return "no test here";
    }
    long passed = count(results, ContractRun.Ending.PASSED);
    long failed = count(results, ContractRun.Ending.FAILED);
    String absent =
        results.stream()
            .filter(ContractRun.Result::missing)
            .map(result -> String.valueOf(result.ability()))
            .distinct()
            .sorted()
            .collect(Collectors.joining(", "));
    return Stream.of(
            failed > 0 ? "FAILED " + failed : "",
            passed > 0 ? "passed " + passed : "",
            absent.isEmpty() ? "" : "skipped without " + absent)
        .filter(part -> !part.isEmpty())
        .collect(Collectors.joining(", "));
  }

  private static long count(List<ContractRun.Result> results, ContractRun.Ending ending) {
    return results.stream().filter(result -> result.ending() == ending).count();
  }

  /** Writes the file whole or not at all. */
  void write(String directory) {
    Path folder = Path.of(directory);
    Path file = folder.resolve(run.reportName() + ".json");
    try {
      Files.createDirectories(folder);
      Path draft = Files.createTempFile(folder, "report", ".tmp");
      Files.writeString(draft, json());
      Files.move(draft, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException("The contract's report " + file + " cannot be written", e);
    }
  }

  private String json() {
    StringBuilder out = new StringBuilder();
    out.append("{\n  \"backend\": ").append(quote(run.reportName()));
    out.append(",\n  \"contract\": ").append(quote(run.contract().getName()));
    out.append(",\n  \"offers\": [")
        .append(
            run.abilities().stream()
                .map(ability -> quote(ability.name()))
                .collect(Collectors.joining(", ")));
    out.append("],\n  \"capabilities\": {\n").append(capabilities());
    out.append("\n  },\n  \"rules\": {\n");
    out.append(
        run.byRule().entrySet().stream()
            .map(ContractReport::ruleJson)
            .collect(Collectors.joining(",\n")));
    return out.append("\n  }\n}\n").toString();
  }

  private static String ruleJson(Map.Entry<Rule, List<ContractRun.Result>> entry) {
    return "    "
        + quote(entry.getKey().name())
        + ": ["
        + entry.getValue().stream().map(ContractReport::resultJson).collect(Collectors.joining(","))
        + (entry.getValue().isEmpty() ? "]" : "\n    ]");
  }

  private static String resultJson(ContractRun.Result result) {
    String why =
        result.ability() == null
            ? ""
            : ", \"ability\": "
                + quote(result.ability().name())
                + ", \"missing\": "
                + result.missing();
    return "\n      {\"test\": "
        + quote(result.test())
        + ", \"result\": "
        + quote(result.ending().name().toLowerCase(Locale.ROOT))
        + why
        + "}";
  }

  private String capabilities() {
    Capabilities can = run.capabilities();
    if (can == null) {
      return "";
    }
    return Stream.of(Capabilities.class.getRecordComponents())
        .map(part -> "    " + quote(part.getName()) + ": " + value(part, can))
        .collect(Collectors.joining(",\n"));
  }

  private static String value(RecordComponent part, Capabilities can) {
    Object value;
    try {
      value = part.getAccessor().invoke(can);
    } catch (IllegalAccessException | InvocationTargetException e) {
      throw new IllegalStateException("A public record component cannot be read", e);
    }
    if (value instanceof Duration duration) {
      return quote(duration.toString());
    }
    return value instanceof Number || value instanceof Boolean
        ? value.toString()
        : quote(String.valueOf(value));
  }

  private static String quote(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < 0x20) {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    return out.append('"').toString();
  }
}
