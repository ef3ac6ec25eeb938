package dev.forebay.queue.loadtest.report;

import java.util.ArrayList;
import java.util.List;

/**
 * A linear axis from zero, with labels at round numbers. Immutable.
 *
 * @param max the value at the far end
 * @param step the distance between two labels
 */
record Axis(double max, double step) {

  /** An axis for values up to {@code greatest} with about {@code labels} labels. */
  static Axis upTo(double greatest, int labels) {
    double most = greatest > 0 ? greatest : 1;
    double rough = most / labels;
    double magnitude = Math.pow(10, Math.floor(Math.log10(rough)));
    double step = 10 * magnitude;
    for (double candidate : new double[] {1, 2, 5}) {
      // The tolerance keeps 3 × 0.1 from needing a step larger than 0.3 / 3.
      if (candidate * magnitude >= rough * (1 - 1e-9)) {
        step = candidate * magnitude;
        break;
      }
    }
    return new Axis(most, step);
  }

  /** The same axis, but lengthened to end at a label. */
  Axis toLabel() {
    return new Axis(Math.ceil(max / step - 1e-9) * step, step);
  }

  List<Double> labels() {
    List<Double> labels = new ArrayList<>();
    for (int i = 0; i * step <= max * (1 + 1e-9); i++) {
      labels.add(i * step);
    }
    return labels;
  }

  /** Where on the axis a value lies, from 0 to 1. */
  double at(double value) {
    return Math.min(1, Math.max(0, value / max));
  }
}
