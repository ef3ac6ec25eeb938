package dev.forebay.queue.loadtest.trace;

import java.nio.file.Path;

/** A trace file that cannot be replayed. The message is one line and names the row at fault. */
public final class BadTraceException extends Exception {
  private static final long serialVersionUID = 1L;
  private static final int LONGEST_QUOTE = 80;

  private BadTraceException(String message) {
    super(message);
  }

  static BadTraceException ofFile(Path file, String problem) {
    return new BadTraceException(oneLine(file.toString()) + ": " + problem);
  }

  /** Rows are counted as an editor counts lines: the header is row 1. */
  static BadTraceException ofRow(Path file, int row, String problem, String text) {
    return new BadTraceException(
        oneLine(file.toString()) + ", row " + row + ": " + problem + ": '" + oneLine(text) + "'");
  }

  /** A file may hold anything: what is quoted from it must not break out of its line. */
  private static String oneLine(String text) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < text.length() && line.length() < LONGEST_QUOTE; i++) {
      char c = text.charAt(i);
      line.append(Character.isISOControl(c) || Character.isSurrogate(c) ? '?' : c);
    }
    return line.length() < text.length() ? line + "…" : line.toString();
  }
}
