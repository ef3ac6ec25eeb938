package dev.forebay.queue.loadtest.report;

import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * A chart over the time of a run: a line, and behind it the ideal as an area.
 *
 * <p>The drawing is an SVG that stretches with the page, so it holds no text: stretched letters are
 * unreadable on a phone. Labels are ordinary text around it.
 */
final class Chart {
  private static final int WIDTH = 1_000;
  private static final int HEIGHT = 400;

  private final Axis time;
  private final Axis value;
  private final DoubleFunction<String> valueLabel;

  /**
   * A chart on these axes.
   *
   * @param time seconds since the start of the replay
   * @param valueLabel how a value is written at the axis
   */
  Chart(Axis time, Axis value, DoubleFunction<String> valueLabel) {
    this.time = time;
    this.value = value;
    this.valueLabel = valueLabel;
  }

  /**
   * Draws.
   *
   * @param description the chart in words, for screen readers
   * @param ideal the area's values, evenly spread over the time axis; null for none
   * @param line the line's values, as many
   */
  String draw(String description, double @Nullable [] ideal, double[] line) {
    StringBuilder html = new StringBuilder("<div class=\"plot\"><div class=\"y\">");
    for (double label : value.labels()) {
      html.append("<span style=\"bottom:")
          .append(number(100 * value.at(label)))
          .append("%\">")
          .append(valueLabel.apply(label))
          .append("</span>");
    }
    html.append("</div><svg viewBox=\"0 0 ")
        .append(WIDTH)
        .append(' ')
        .append(HEIGHT)
        .append("\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"")
        .append(Html.escape(description))
        .append("\">");
    path(html, "grid", grid());
    if (ideal != null) {
      path(html, "ideal", area(ideal));
    }
    path(html, "line", polyline(line));
    html.append("</svg><div class=\"x\">");
    List<Double> seconds = time.labels();
    for (int i = 0; i < seconds.size(); i++) {
      html.append("<span style=\"left:")
          .append(number(100 * time.at(seconds.get(i))))
          .append("%\">")
          .append(Format.axis(seconds.get(i)))
          .append(i == seconds.size() - 1 ? " s" : "")
          .append("</span>");
    }
    return html.append("</div></div>").toString();
  }

  private static void path(StringBuilder html, String kind, String drawing) {
    html.append("<path class=\"").append(kind).append("\" d=\"").append(drawing).append("\"/>");
  }

  private String grid() {
    StringBuilder grid = new StringBuilder();
    for (double label : value.labels()) {
      grid.append("M0 ").append(y(label)).append('H').append(WIDTH);
    }
    return grid.toString();
  }

  private String area(double[] values) {
    StringBuilder area = new StringBuilder("M0 ").append(HEIGHT);
    for (int i = 0; i < values.length; i++) {
      area.append('L').append(x(i, values.length)).append(' ');
      area.append(y(values[i]));
    }
    return area.append('L').append(WIDTH).append(' ').append(HEIGHT).append('Z').toString();
  }

  private String polyline(double[] values) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < values.length; i++) {
      line.append(i == 0 ? 'M' : 'L').append(x(i, values.length)).append(' ').append(y(values[i]));
    }
    return line.toString();
  }

  private static String x(int index, int count) {
    return number(WIDTH * (index + 0.5) / count);
  }

  private String y(double at) {
    return number(HEIGHT * (1 - value.at(at)));
  }

  /** One decimal is a tenth of a pixel at most, and halves the file. */
  private static String number(double value) {
    String text = String.format(Locale.ROOT, "%.1f", value);
    return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
  }
}
