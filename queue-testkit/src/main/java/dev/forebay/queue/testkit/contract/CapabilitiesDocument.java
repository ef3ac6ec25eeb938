package dev.forebay.queue.testkit.contract;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The document that compares backends, made from the reports of their contracts: a table of what
 * they declare and one of how each rule went, with a column per backend.
 *
 * <p>Columns of backends that left no report stay as they are in the document, so one backend's
 * contract is enough to bring its own column up to date. Needs {@code jackson-databind}. Immutable.
 */
public final class CapabilitiesDocument {

  private static final String HEAD =
      """
      # What each backend does

      Made from the reports that the contract tests leave in `*/target/contract/*.json`; do not edit it, {how}
      The rules are those of [contract.md](contract.md).

      ## In numbers

      A dash means: not offered. These are the backends' own `capabilities()` at the settings of the tests. The lateness of SQS grows
      with its long-poll wait; Kafka's failure detection is the lock of the group, which is the lease (30 s by default).

      """;

  private static final String BETWEEN =
      """

      ## By rule

      *passed n*: so many tests. *skipped without*: some tests need an ability that the backend declares absent, or a hook that its
      harness has not. *no test*: the contract suite has none.

      """;

  private static final String NUMBERS = "In numbers";
  private static final String UNKNOWN = "not run";

  private final String howToMake;
  private final Map<String, Column> columns;

  /** One backend: what stands in each row of the two tables. */
  private record Column(Map<String, String> numbers, Map<String, String> rules) {}

  private CapabilitiesDocument(String howToMake, Map<String, Column> columns) {
    this.howToMake = howToMake;
    this.columns = columns;
  }

  /**
   * Reads a document that was made before; one that is empty or missing has no columns.
   *
   * @param howToMake the end of the sentence "do not edit it, ...", with the command to run
   */
  public static CapabilitiesDocument read(Path file, String howToMake) {
    Map<String, Column> columns = new LinkedHashMap<>();
    if (Files.exists(file)) {
      String section = "";
      List<String> names = List.of();
      for (String line : lines(file)) {
        if (line.startsWith("## ")) {
          section = line.substring(3);
          names = List.of();
        } else if (line.startsWith("|") && !line.startsWith("|---")) {
          List<String> cells = cells(line);
          if (names.isEmpty()) {
            names = cells;
          } else {
            for (int i = 1; i < cells.size(); i++) {
              Column column = columns.computeIfAbsent(names.get(i), name -> emptyColumn());
              (section.equals(NUMBERS) ? column.numbers : column.rules)
                  .put(cells.get(0), cells.get(i));
            }
          }
        }
      }
    }
    return new CapabilitiesDocument(howToMake, columns);
  }

  private static Column emptyColumn() {
    return new Column(new LinkedHashMap<>(), new LinkedHashMap<>());
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException e) {
      throw new UncheckedIOException("The document " + file + " cannot be read", e);
    }
  }

  private static List<String> cells(String line) {
    String inner = line.substring(1, line.lastIndexOf('|'));
    return Arrays.stream(inner.split("\\|", -1)).map(String::trim).toList();
  }

  /**
   * This document with the columns of all backends that left a report in {@code
   * target/contract/*.json} of a module below {@code root}; a new backend comes last. A report
   * whose name is not that of its backend is of another way to run it and is left out.
   *
   * @throws IllegalStateException when a report says that a test failed
   */
  public CapabilitiesDocument with(Path root) {
    Map<String, Column> all = new LinkedHashMap<>(columns);
    reports(root).forEach((backend, report) -> all.put(backend, column(backend, report)));
    return new CapabilitiesDocument(howToMake, all);
  }

  private static Map<String, JsonNode> reports(Path root) {
    Map<String, JsonNode> reports = new TreeMap<>();
    try (DirectoryStream<Path> modules = Files.newDirectoryStream(root, Files::isDirectory)) {
      for (Path module : modules) {
        Path folder = module.resolve(ContractReport.DIRECTORY);
        if (Files.isDirectory(folder)) {
          try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.json")) {
            for (Path file : files) {
              JsonNode report = new ObjectMapper().readTree(file.toFile());
              String backend = report.path("backend").asText();
              if (report.path("capabilities").path("backend").asText().equals(backend)) {
                reports.put(backend, report);
              }
            }
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("The reports below " + root + " cannot be read", e);
    }
    return reports;
  }

  private static Column column(String backend, JsonNode report) {
    Column column = emptyColumn();
    report
        .path("capabilities")
        .properties()
        .forEach(
            number -> {
              if (!number.getKey().equals("backend")) {
                column.numbers.put(
                    CapabilityNumbers.label(number.getKey()),
                    CapabilityNumbers.cell(number.getValue()));
              }
            });
    report
        .path("rules")
        .properties()
        .forEach(rule -> column.rules.put(rule.getKey(), cell(backend, rule.getValue())));
    return column;
  }

  private static String cell(String backend, JsonNode results) {
    if (results.isEmpty()) {
      return "no test";
    }
    int passed = 0;
    Collection<String> absent = new TreeSet<>();
    for (JsonNode result : results) {
      switch (result.path("result").asText()) {
        case "passed" -> passed++;
        case "skipped" -> {
          if (result.path("missing").asBoolean()) {
            absent.add("`" + result.path("ability").asText() + "`");
          }
        }
        default ->
            throw new IllegalStateException(
                "The contract of "
                    + backend
                    + " is not kept: "
                    + result.path("test").asText()
                    + " failed. Mend it before it is documented.");
      }
    }
    List<String> parts = new ArrayList<>();
    if (passed > 0) {
      parts.add("passed " + passed);
    }
    if (!absent.isEmpty()) {
      parts.add("skipped without " + String.join(", ", absent));
    }
    return String.join("; ", parts);
  }

  /** Names of the backends, in the order of their columns. */
  public List<String> backends() {
    return List.copyOf(columns.keySet());
  }

  /** The whole document, in Markdown. */
  public String text() {
    StringBuilder out = new StringBuilder(HEAD.replace("{how}", howToMake));
    Map<String, Map<String, String>> numbers = new LinkedHashMap<>();
    Map<String, Map<String, String>> rules = new LinkedHashMap<>();
    columns.forEach(
        (backend, column) -> {
          numbers.put(backend, column.numbers);
          rules.put(backend, column.rules);
        });
    table(out, "", numbers, CapabilityNumbers.rows(numbers.values()));
    out.append(BETWEEN);
    table(out, "rule", rules, Arrays.stream(Rule.values()).map(Rule::name).toList());
    return out.toString();
  }

  private static void table(
      StringBuilder out,
      String corner,
      Map<String, Map<String, String>> columns,
      List<String> rows) {
    row(out, corner, columns.keySet());
    out.append("|---".repeat(columns.size() + 1)).append("|\n");
    for (String row : rows) {
      row(
          out,
          row,
          columns.values().stream().map(column -> column.getOrDefault(row, UNKNOWN)).toList());
    }
  }

  private static void row(StringBuilder out, String first, Collection<String> cells) {
    out.append("| ").append(first.isEmpty() ? "" : first + " ");
    cells.forEach(cell -> out.append("| ").append(cell).append(' '));
    out.append("|\n");
  }

  /** Where two texts differ first, for people; empty when they do not. */
  public static String firstDifference(String committed, String made) {
    List<String> old = committed.lines().toList();
    List<String> now = made.lines().toList();
    for (int i = 0; i < Math.max(old.size(), now.size()); i++) {
      String before = i < old.size() ? old.get(i) : "(end)";
      String after = i < now.size() ? now.get(i) : "(end)";
      if (!before.equals(after)) {
        return "line " + (i + 1) + "\n  is:        " + before + "\n  should be: " + after;
      }
    }
    return "";
  }
}
