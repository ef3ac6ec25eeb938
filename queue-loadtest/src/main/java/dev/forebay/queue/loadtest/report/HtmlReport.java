package dev.forebay.queue.loadtest.report;

import dev.forebay.queue.loadtest.model.Buckets;
import dev.forebay.queue.loadtest.model.Floor;
import dev.forebay.queue.loadtest.model.Timeline;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * {@code report.html}: one file that holds all it needs, so that it can be mailed around. No
 * script, no request to anywhere.
 */
final class HtmlReport {
  private static final int BUCKETS = 200;
  private static final int TIME_LABELS = 6;
  private static final int VALUE_LABELS = 4;

  private final Comparison run;
  private final Buckets buckets;
  private final Axis time;
  private final StringBuilder html = new StringBuilder();

  private HtmlReport(Comparison run) {
    this.run = run;
    Duration end =
        Stream.concat(Stream.of(run.ideal()), run.queues().stream().map(QueueResult::timeline))
            .map(Timeline::end)
            .reduce(Duration.ofMillis(1), (a, b) -> a.compareTo(b) > 0 ? a : b);
    buckets = new Buckets(BUCKETS, end);
    time = Axis.upTo(end.toNanos() / 1e9, TIME_LABELS);
  }

  static String of(Comparison run) {
    return new HtmlReport(run).page();
  }

  private String page() {
    html.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .append("<meta name=\"color-scheme\" content=\"light dark\">\n")
        .append("<title>Queues side by side</title>\n")
        // Without an icon of its own a page makes browsers ask its server for one.
        .append("<link rel=\"icon\" href=\"data:,\">\n<style>\n")
        .append(resource("report.css"))
        .append("</style>\n</head>\n<body>\n<main>\n");
    header();
    cards();
    table();
    arrivals();
    metric(
        "Message age",
        "How long the oldest waiting message had waited for its first attempt.",
        value -> Format.axis(value) + " s",
        timeline -> seconds(timeline.oldestWaitingMillis(buckets)));
    metric(
        "Backlog",
        "Messages that had arrived and waited for their first attempt, the most at once.",
        Format::axis,
        timeline -> timeline.mostWaiting(buckets));
    metric(
        "In flight",
        "Messages being handled on the "
            + run.slots().total()
            + (run.slots().total() == 1 ? " slot" : " slots")
            + ", the mean.",
        Format::axis,
        timeline -> timeline.meanBusy(buckets));
    notes();
    html.append("</main>\n</body>\n</html>\n");
    return html.toString();
  }

  private void header() {
    boolean broken = run.anyLost() || run.anyDuplicate();
    html.append("<header><p class=\"brand\">Forebay load test</p><h1>Queues side by side</h1><p>")
        .append(Html.escape(Prose.subject(run)))
        .append(".</p><p class=\"verdict ")
        .append(broken ? "bad" : "good")
        .append("\">")
        .append(Html.escape(Prose.verdict(run)))
        .append("</p></header>\n");
  }

  private void cards() {
    html.append("<section class=\"cards\" aria-label=\"In short\">");
    card(
        "ideal",
        "ideal",
        Format.millis(run.ideal().ageMillis(99)),
        "simulated, without any cost of its own");
    for (int i = 0; i < run.queues().size(); i++) {
      QueueResult queue = run.queues().get(i);
      card(
          "q" + i,
          queue.name(),
          Format.millis(queue.timeline().ageMillis(99)),
          Prose.distance(run, queue) + ", slot use " + Format.percent(queue.timeline().slotUse()));
    }
    html.append("</section>\n");
  }

  private void card(String style, String name, String age, String detail) {
    html.append("<div class=\"card ")
        .append(style)
        .append("\"><h2><span class=\"swatch\"></span>")
        .append(Html.escape(name))
        .append("</h2><p class=\"big\">")
        .append(age)
        .append("</p><p>age p99; ")
        .append(Html.escape(detail))
        .append("</p></div>");
  }

  private void table() {
    html.append("<section><h2>Figures</h2><table><thead><tr><td></td>");
    for (String column : Figures.columns(run)) {
      html.append("<th scope=\"col\">").append(Html.escape(column)).append("</th>");
    }
    html.append("</tr></thead><tbody>");
    for (Figures.Row row : Figures.rows(run)) {
      html.append("<tr><th scope=\"row\">").append(Html.escape(row.label()));
      if (!row.meaning().isEmpty()) {
        html.append("<small>").append(Html.escape(row.meaning())).append("</small>");
      }
      html.append("</th>");
      for (int i = 0; i < row.cells().size(); i++) {
        html.append(row.bad().get(i) ? "<td class=\"bad\">" : "<td>")
            .append(Html.escape(row.cells().get(i)))
            .append("</td>");
      }
      html.append("</tr>");
    }
    html.append("</tbody></table></section>\n");
  }

  private void arrivals() {
    double[] rate = run.ideal().arrivalsPerSecond(buckets);
    Axis axis = Axis.upTo(greatest(Stream.of(rate)), VALUE_LABELS).toLabel();
    html.append(
            "<section class=\"arrivals\"><h2>Arrivals</h2><p>Requests a second, in the time of the")
        .append(" replay. ")
        .append(Html.escape(Prose.control(run)))
        .append("</p>")
        .append(new Chart(time, axis, Format::axis).draw("Requests a second over time", null, rate))
        .append("</section>\n");
  }

  /** A chart per queue, all on the same axes, so that they can be compared by eye. */
  private void metric(
      String title,
      String meaning,
      DoubleFunction<String> label,
      Function<Timeline, double[]> values) {
    double[] ideal = values.apply(run.ideal());
    List<double[]> lines = run.queues().stream().map(q -> values.apply(q.timeline())).toList();
    Axis axis =
        Axis.upTo(greatest(Stream.concat(Stream.of(ideal), lines.stream())), VALUE_LABELS)
            .toLabel();
    html.append("<section><h2>")
        .append(title)
        .append("</h2><p>")
        .append(Html.escape(meaning))
        .append(" <span class=\"swatch ideal\"></span>the ideal.</p><div class=\"panels\">");
    for (int i = 0; i < lines.size(); i++) {
      String name = run.queues().get(i).name();
      html.append("<figure class=\"q")
          .append(i)
          .append("\"><figcaption><span class=\"swatch\"></span>")
          .append(Html.escape(name))
          .append("</figcaption>")
          .append(
              new Chart(time, axis, label)
                  .draw(title + " of " + name + " against the ideal", ideal, lines.get(i)))
          .append("</figure>");
    }
    html.append("</div></section>\n");
  }

  private void notes() {
    html.append("<section class=\"notes\"><div><h2>What this does not show</h2>");
    list(Prose.limits());
    html.append("</div><div><h2>What the figures mean</h2><dl>");
    for (String[] definition : Prose.definitions()) {
      html.append(Html.element("dt", Html.escape(definition[0])))
          .append(Html.element("dd", Html.escape(definition[1] + ".")));
    }
    html.append("</dl></div><div><h2>Time-outs</h2>");
    list(run.timeOuts().notes());
    if (!run.floors().isEmpty()) {
      html.append(Html.element("h3", "Longer than the speed-up asks for"));
      list(run.floors().stream().map(Floor::sentence).toList());
    }
    for (QueueResult queue : run.queues()) {
      html.append(Html.element("h3", Html.escape(queue.name())));
      list(queue.notes());
    }
    html.append("</div>");
    List<String> cost = Prose.cost(run);
    if (!cost.isEmpty()) {
      html.append("<div><h2>Cost on SQS, computed</h2>");
      list(cost);
      html.append("</div>");
    }
    html.append("</section>\n");
  }

  private void list(List<String> lines) {
    html.append("<ul>");
    lines.forEach(line -> html.append(Html.element("li", Html.escape(line))));
    html.append("</ul>");
  }

  private static double[] seconds(double[] millis) {
    return Arrays.stream(millis).map(v -> v / 1_000).toArray();
  }

  private static double greatest(Stream<double[]> series) {
    return series.flatMapToDouble(Arrays::stream).filter(v -> !Double.isNaN(v)).max().orElse(1);
  }

  private static String resource(String name) {
    try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the jar of the load test lacks " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(
          String.format(Locale.ROOT, "cannot read %s from the jar of the load test", name), e);
    }
  }
}
