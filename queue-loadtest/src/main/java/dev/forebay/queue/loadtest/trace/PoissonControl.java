package dev.forebay.queue.loadtest.trace;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * The control of an experiment with bursts: the same requests over the same time, but arriving
 * independently of each other. What differs between the two runs is due to the bursts alone.
 */
public final class PoissonControl {
  private PoissonControl() {}

  /**
   * Requests with the sizes of {@code trace}, in its order, at exponential gaps drawn from {@code
   * seed}; the last one arrives when the last one of {@code trace} does.
   */
  public static Trace of(Trace trace, long seed) {
    Random random = new Random(seed);
    double[] arrivals = new double[trace.size()];
    for (int i = 1; i < arrivals.length; i++) {
      arrivals[i] = arrivals[i - 1] - StrictMath.log(1 - random.nextDouble());
    }
    // Stretched to the same span, so that both have the same mean rate exactly.
    double last = arrivals[arrivals.length - 1];
    double scale = last == 0 ? 0 : trace.span().toNanos() / last;
    List<Request> requests = new ArrayList<>(arrivals.length);
    for (int i = 0; i < arrivals.length; i++) {
      Request request = trace.requests().get(i);
      requests.add(
          new Request(
              Duration.ofNanos((long) (arrivals[i] * scale)),
              request.inputTokens(),
              request.outputTokens()));
    }
    return new Trace(trace.source() + ", Poisson control", requests);
  }
}
