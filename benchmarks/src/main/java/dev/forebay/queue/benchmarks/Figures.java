package dev.forebay.queue.benchmarks;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Arithmetic and print forms of measured numbers. */
final class Figures {

  private Figures() {}

  static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    if (sorted.length == 0) {
      return Double.NaN;
    }
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** The largest divided by the smallest. */
  static double ratio(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return sorted[sorted.length - 1] / sorted[0];
  }

  /** The median, and behind it the smallest and largest where there are several. */
  static String spread(List<Double> values) {
    String median = number(median(values));
    if (values.size() < 2) {
      return median;
    }
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return Arrays.stream(sorted).distinct().count() == 1
        ? median
        : median + " (" + number(sorted[0]) + "–" + number(sorted[sorted.length - 1]) + ")";
  }

  /** Three digits where they mean something, and no fraction from a hundred on. */
  static String number(double value) {
    if (Double.isNaN(value)) {
      return "–";
    }
    double size = Math.abs(value);
    String pattern =
        value == Math.rint(value) || size >= 100 ? "%,.0f" : size >= 10 ? "%.1f" : "%.3f";
    return String.format(Locale.ROOT, pattern, value);
  }
}
