package dev.forebay.queue.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What a benchmark found: a table in Markdown for the screen, and everything measured as {@code
 * NAME.json}. Not thread-safe.
 */
final class Report {

  /** Where the arguments of this JVM's benchmark are left, for people who want to see it again. */
  static final String COMMAND_PROPERTY = "forebay.benchmark.command";

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private final String name;
  private final List<String> columns;
  private final List<List<String>> rows = new ArrayList<>();
  private final Map<String, Object> data = new LinkedHashMap<>();

  Report(String name, List<String> columns) {
    this.name = name;
    this.columns = columns;
    data.put("benchmark", name);
    data.put("date", OffsetDateTime.now(ZoneOffset.UTC).truncatedTo(ChronoUnit.SECONDS).toString());
    data.put("java", Runtime.version().toString());
    data.put("jvm", System.getProperty("java.vm.name"));
    data.put("heapBytes", Runtime.getRuntime().maxMemory());
    data.put("processors", Runtime.getRuntime().availableProcessors());
  }

  /** Adds a line to the table; numbers are printed with three digits. */
  void row(Object... cells) {
    rows.add(
        Arrays.stream(cells)
            .map(cell -> cell instanceof Number n ? Figures.number(n.doubleValue()) : "" + cell)
            .toList());
  }

  /** Adds something measured to the JSON file. */
  void put(String key, Object value) {
    data.put(key, value);
  }

  /** Prints the table and writes {@code NAME.json} into {@code directory}. */
  void publish(PrintStream out, Path directory) throws IOException {
    Files.createDirectories(directory);
    Path file = directory.resolve(name + ".json");
    List<Map<String, String>> table = new ArrayList<>();
    for (List<String> row : rows) {
      Map<String, String> cells = new LinkedHashMap<>();
      for (int column = 0; column < columns.size(); column++) {
        cells.put(columns.get(column), row.get(column));
      }
      table.add(cells);
    }
    data.put("command", System.getProperty(COMMAND_PROPERTY, ""));
    data.put("table", table);
    Files.writeString(file, JSON.writeValueAsString(data) + "\n");
    out.println();
    out.print(markdown());
    out.println();
    out.println("Written: " + file);
  }

  private String markdown() {
    int[] widths = columns.stream().mapToInt(String::length).toArray();
    for (List<String> row : rows) {
      for (int column = 0; column < widths.length; column++) {
        widths[column] = Math.max(widths[column], row.get(column).length());
      }
    }
    StringBuilder table = new StringBuilder();
    line(table, columns, widths);
    line(table, Arrays.stream(widths).mapToObj("-"::repeat).toList(), widths);
    rows.forEach(row -> line(table, row, widths));
    return table.toString();
  }

  private static void line(StringBuilder table, List<String> cells, int[] widths) {
    List<String> padded = new ArrayList<>();
    for (int column = 0; column < widths.length; column++) {
      String cell = cells.get(column);
      padded.add(cell + " ".repeat(widths[column] - cell.length()));
    }
    table.append(padded.stream().collect(Collectors.joining(" | ", "| ", " |\n")));
  }
}
