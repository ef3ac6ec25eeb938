package dev.forebay.queue.loadtest.trace;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads traces of inference requests from comma-separated files with a header row.
 *
 * <p>Two layouts are understood, found by their column names; other columns are ignored:
 *
 * <ul>
 *   <li>{@code TIMESTAMP,ContextTokens,GeneratedTokens}: the Azure LLM inference traces;
 *   <li>{@code t_ms,input_tokens,output_tokens}: arrival in milliseconds, which may have decimals.
 * </ul>
 *
 * <p>Arrivals are shifted so that the first request arrives at zero. A row out of order is refused
 * rather than sorted: it says that the file is not what it seems to be.
 */
public final class TraceFile {
  /** Far above any published trace, and still only tens of megabytes in memory. */
  private static final int MOST_REQUESTS = 1_000_000;

  /** No row of a trace comes near this; a file without line ends must not fill the memory. */
  private static final int LONGEST_ROW = 4_096;

  /** Far beyond any model's context; keeps the service time of a typing error in bounds. */
  private static final int MOST_TOKENS = 10_000_000;

  private final Path file;
  private final List<Request> requests = new ArrayList<>();
  private int row;
  private @Nullable Layout layout;
  private @Nullable Duration first;
  private Duration previous = Duration.ZERO;

  private TraceFile(Path file) {
    this.file = file;
  }

  /**
   * Reads a whole file.
   *
   * @throws BadTraceException if the file cannot be read, has another layout, or has a bad row; the
   *     message is one line with the number and the text of the row
   */
  public static Trace read(Path file) throws BadTraceException {
    return new TraceFile(file).read();
  }

  private Trace read() throws BadTraceException {
    if (!Files.exists(file)) {
      throw BadTraceException.ofFile(file, "no such file");
    }
    if (!Files.isRegularFile(file)) {
      throw BadTraceException.ofFile(file, "not a regular file");
    }
    try (BufferedReader reader = Files.newBufferedReader(file, lenient())) {
      for (String line = readRow(reader); line != null; line = readRow(reader)) {
        accept(line);
      }
    } catch (IOException e) {
      throw BadTraceException.ofFile(file, "cannot be read (" + e.getClass().getSimpleName() + ")");
    }
    if (layout == null) {
      throw BadTraceException.ofFile(file, "is empty; " + Layout.EXPECTED);
    }
    if (requests.isEmpty()) {
      throw BadTraceException.ofFile(file, "has a header but no request");
    }
    Path name = file.getFileName();
    return new Trace(name == null ? file.toString() : name.toString(), requests);
  }

  /** Every byte is a character here, so that a broken row reaches the check that names it. */
  private static Charset lenient() {
    return StandardCharsets.ISO_8859_1;
  }

  private @Nullable String readRow(BufferedReader reader) throws IOException, BadTraceException {
    StringBuilder line = new StringBuilder();
    int c = reader.read();
    if (c < 0) {
      return null;
    }
    row++;
    for (; c >= 0 && c != '\n'; c = reader.read()) {
      if (line.length() == LONGEST_ROW) {
        throw BadTraceException.ofRow(
            file, row, "longer than " + LONGEST_ROW + " characters", line.toString());
      }
      line.append((char) c);
    }
    int length = line.length();
    return length > 0 && line.charAt(length - 1) == '\r'
        ? line.substring(0, length - 1)
        : line.toString();
  }

  private void accept(String line) throws BadTraceException {
    if (layout == null) {
      layout = Layout.of(line);
      if (layout == null) {
        throw BadTraceException.ofRow(file, row, "not a known header; " + Layout.EXPECTED, line);
      }
    } else if (!line.isBlank()) {
      requests.add(parse(layout, line));
    }
  }

  private Request parse(Layout layout, String line) throws BadTraceException {
    if (requests.size() == MOST_REQUESTS) {
      throw BadTraceException.ofRow(file, row, "more than " + MOST_REQUESTS + " requests", line);
    }
    List<String> cells = Arrays.asList(line.split(",", -1));
    if (cells.size() != layout.columns()) {
      throw BadTraceException.ofRow(
          file, row, layout.columns() + " columns expected, found " + cells.size(), line);
    }
    Duration time = layout.parseTime(cells.get(layout.time()));
    if (time == null) {
      throw BadTraceException.ofRow(
          file, row, layout.names().get(layout.time()) + " is not " + layout.timeFormat(), line);
    }
    if (first == null) {
      first = time;
      previous = time;
    }
    if (time.compareTo(previous) < 0) {
      throw BadTraceException.ofRow(file, row, "arrives before the row above it", line);
    }
    previous = time;
    int input = tokens(layout, layout.input(), cells, line);
    int output = tokens(layout, layout.output(), cells, line);
    return new Request(time.minus(first), input, output);
  }

  private int tokens(Layout layout, int column, List<String> cells, String line)
      throws BadTraceException {
    String cell = cells.get(column).strip();
    String problem = layout.names().get(column) + " is not a whole number from 0 to " + MOST_TOKENS;
    // Digits only: Integer.parseInt would let a sign and foreign digits pass.
    if (cell.isEmpty() || cell.length() > 8 || !cell.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw BadTraceException.ofRow(file, row, problem, line);
    }
    int tokens = Integer.parseInt(cell);
    if (tokens > MOST_TOKENS) {
      throw BadTraceException.ofRow(file, row, problem, line);
    }
    return tokens;
  }
}
