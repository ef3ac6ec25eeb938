package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.Delivery;
import dev.forebay.queue.loadtest.model.Failures;
import dev.forebay.queue.loadtest.model.ServiceTime;
import dev.forebay.queue.loadtest.model.SpeedClass;
import dev.forebay.queue.loadtest.model.SpeedUp;
import dev.forebay.queue.loadtest.trace.Trace;
import dev.forebay.queue.worker.Handler;
import dev.forebay.queue.worker.HandlerContext;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;

/**
 * Stands for a model on one class of hardware: takes as long as the model would, but waits instead
 * of computing, so that a laptop can play a fleet of accelerators. Thread-safe.
 */
final class ModelHandler implements Handler<Delivery> {

  /** What a planned failure looks like to the worker. */
  static final class OutOfMemoryOnAccelerator extends Exception {
    private static final long serialVersionUID = 1L;

    OutOfMemoryOnAccelerator() {
      // Planned by the hundred; nobody looks at where they come from.
      super("planned failure", null, false, false);
    }
  }

  private static final Duration WARM_UP = Duration.ofMillis(10);

  private final Trace trace;
  private final SpeedUp speedUp;
  private final Failures failures;
  private final SpeedClass speed;
  private final Recorder recorder;
  private final ReplayClock clock;
  private final CountDownLatch warmUps;

  ModelHandler(
      Trace trace,
      SpeedUp speedUp,
      Failures failures,
      SpeedClass speed,
      Recorder recorder,
      ReplayClock clock,
      CountDownLatch warmUps) {
    this.trace = trace;
    this.speedUp = speedUp;
    this.failures = failures;
    this.speed = speed;
    this.recorder = recorder;
    this.clock = clock;
    this.warmUps = warmUps;
  }

  @Override
  public void handle(Delivery delivery, HandlerContext context) throws Exception {
    long start = clock.now();
    OptionalInt number = Prompts.number(delivery);
    if (number.isEmpty()) {
      clock.await(start + WARM_UP.toNanos());
      warmUps.countDown();
      return;
    }
    int request = number.getAsInt();
    Duration service = speedUp.scale(ServiceTime.of(trace.requests().get(request), speed));
    boolean fails = failures.fails(request, context.attempt());
    recorder.started(request, start);
    boolean done = false;
    try {
      clock.await(start + (fails ? Failures.after(service) : service).toNanos());
      if (fails) {
        throw new OutOfMemoryOnAccelerator();
      }
      done = true;
    } finally {
      recorder.ended(request, start, clock.now(), done);
    }
  }
}
