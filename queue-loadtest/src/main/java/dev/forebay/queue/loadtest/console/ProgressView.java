package dev.forebay.queue.loadtest.console;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/**
 * Draws the progress of all queues, a line each. On a terminal the lines are redrawn in place,
 * elsewhere each drawing is one plain line, so that a log stays a log. Not thread-safe.
 */
public final class ProgressView {
  private static final int BAR_WIDTH = 20;

  private final PrintStream out;
  private final boolean redraw;
  private int linesToGoUp;

  /** A view on {@code out}; {@code redraw} says whether that understands ANSI sequences. */
  public ProgressView(PrintStream out, boolean redraw) {
    this.out = out;
    this.redraw = redraw;
  }

  /** Whether drawings replace each other, so that frequent ones do no harm. */
  public boolean redraws() {
    return redraw;
  }

  /** Shows where all queues are now. */
  public void draw(List<QueueProgress> queues) {
    StringBuilder text = new StringBuilder();
    if (redraw) {
      if (linesToGoUp > 0) {
        text.append("\u001b[").append(linesToGoUp).append('A');
      }
      for (QueueProgress queue : queues) {
        text.append('\r').append(bar(queue)).append("\u001b[K\n");
      }
      linesToGoUp = queues.size();
    } else {
      text.append(plain(queues)).append(System.lineSeparator());
    }
    out.print(text);
    out.flush();
  }

  static String bar(QueueProgress queue) {
    int full = (int) ((long) BAR_WIDTH * queue.handled() / Math.max(1, queue.total()));
    return String.format(
        Locale.ROOT,
        "%-6s [%s%s] %,7d of %,d  waiting %,5d  in flight %,4d",
        queue.name(),
        "█".repeat(full),
        "░".repeat(BAR_WIDTH - full),
        queue.handled(),
        queue.total(),
        queue.waiting(),
        queue.inFlight());
  }

  static String plain(List<QueueProgress> queues) {
    StringBuilder line = new StringBuilder();
    for (QueueProgress queue : queues) {
      line.append(line.isEmpty() ? "" : "; ")
          .append(
              String.format(
                  Locale.ROOT,
                  "%s %,d of %,d handled, %,d waiting, %,d in flight",
                  queue.name(),
                  queue.handled(),
                  queue.total(),
                  queue.waiting(),
                  queue.inFlight()));
    }
    return line.toString();
  }
}
