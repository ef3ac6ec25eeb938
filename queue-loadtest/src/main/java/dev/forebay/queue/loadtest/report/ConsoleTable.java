package dev.forebay.queue.loadtest.report;

import java.util.List;

/** The figures of a run in columns of equal width, for a terminal. */
final class ConsoleTable {
  private static final int GAP = 2;

  private ConsoleTable() {}

  static String of(Comparison run) {
    List<String> columns = Figures.columns(run);
    List<Figures.Row> rows = Figures.rows(run);
    int labelWidth = rows.stream().mapToInt(row -> row.label().length()).max().orElse(0);
    int[] widths = new int[columns.size()];
    for (int c = 0; c < widths.length; c++) {
      int column = c;
      int cells = rows.stream().mapToInt(row -> row.cells().get(column).length()).max().orElse(0);
      widths[c] = GAP + Math.max(cells, columns.get(c).length());
    }
    StringBuilder table = new StringBuilder();
    line(table, "", columns, labelWidth, widths);
    for (Figures.Row row : rows) {
      line(table, row.label(), row.cells(), labelWidth, widths);
    }
    return table.toString();
  }

  private static void line(
      StringBuilder table, String label, List<String> cells, int labelWidth, int[] widths) {
    table.append(label).append(" ".repeat(labelWidth - label.length()));
    for (int c = 0; c < widths.length; c++) {
      String cell = cells.get(c);
      table.append(" ".repeat(widths[c] - cell.length())).append(cell);
    }
    table.append(System.lineSeparator());
  }
}
