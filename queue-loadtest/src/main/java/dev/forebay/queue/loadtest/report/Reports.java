package dev.forebay.queue.loadtest.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Hands out the results of a run: files for later, a table for now. */
public final class Reports {
  /** The name of the file for people. */
  public static final String HTML = "report.html";

  /** The name of the file for programs. */
  public static final String JSON = "report.json";

  private Reports() {}

  /**
   * Writes both files into a directory, which is created if it is not there.
   *
   * @throws IOException if it cannot be created or written to
   */
  public static void write(Comparison run, Path directory) throws IOException {
    Files.createDirectories(directory);
    Files.writeString(directory.resolve(JSON), JsonReport.of(run).toJson());
    Files.writeString(directory.resolve(HTML), HtmlReport.of(run));
  }

  /** What was replayed and on what, in a line. */
  public static String subject(Comparison run) {
    return Prose.subject(run);
  }

  /** The figures as a table for a terminal. */
  public static String table(Comparison run) {
    return ConsoleTable.of(run);
  }

  /** Whether every queue kept its promise, in a line. */
  public static String verdict(Comparison run) {
    return Prose.verdict(run);
  }
}
