package dev.forebay.queue.loadtest.replay;

import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.WorkQueue;
import dev.forebay.queue.loadtest.trace.Trace;
import java.time.Duration;
import java.util.concurrent.DelayQueue;
import java.util.concurrent.Delayed;
import java.util.concurrent.TimeUnit;

/**
 * Enqueues the requests of a trace at the times they are due, whatever becomes of the earlier ones:
 * an open loop. It never waits for an outcome; if the queue holds it up, the requests that became
 * due meanwhile follow at once, and their ages count from when they were due.
 *
 * <p>A message that the queue could not take for a passing reason is sent again, as any sender must
 * that does not want to lose it.
 */
final class Sender implements Runnable {
  private static final Duration BETWEEN_TRIES = Duration.ofMillis(500);

  /** A broker that is away for two minutes is not coming back in this run. */
  private static final int TRIES = 240;

  private static final Duration LOOK_AGAIN = Duration.ofMillis(50);

  private final Trace trace;
  private final long[] due;
  private final WorkQueue queue;
  private final Recorder recorder;
  private final ReplayClock clock;
  private final DelayQueue<Retry> retries = new DelayQueue<>();

  /**
   * A sender for one queue.
   *
   * @param due when each request is to be sent, in nanoseconds since the start
   */
  Sender(Trace trace, long[] due, WorkQueue queue, Recorder recorder, ReplayClock clock) {
    this.trace = trace;
    this.due = due;
    this.queue = queue;
    this.recorder = recorder;
    this.clock = clock;
  }

  /** Returns when the outcome of every request is known, or the thread is interrupted. */
  @Override
  public void run() {
    try {
      for (int i = 0; i < due.length; i++) {
        clock.await(due[i]);
        send(i, 1);
      }
      while (!recorder.allSent()) {
        Retry retry = retries.poll(LOOK_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
        if (retry != null) {
          send(retry.request, retry.attempt);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void send(int request, int attempt) {
    queue
        .enqueue(Prompts.message(request, trace.requests().get(request)))
        .whenComplete(
            (outcome, defect) -> {
              if (outcome == null) {
                recorder.refused(String.valueOf(defect));
              } else {
                note(request, attempt, outcome);
              }
            });
  }

  private void note(int request, int attempt, EnqueueOutcome outcome) {
    if (!(outcome instanceof EnqueueOutcome.Failed failed)) {
      recorder.enqueued(request, clock.now());
    } else if (failed.retryable() && attempt < TRIES) {
      retries.add(new Retry(request, attempt + 1, clock, clock.now() + BETWEEN_TRIES.toNanos()));
    } else {
      recorder.refused(failed.code() + ": " + failed.message());
    }
  }

  /** A request to be sent again. */
  private record Retry(int request, int attempt, ReplayClock clock, long at) implements Delayed {
    @Override
    public long getDelay(TimeUnit unit) {
      return unit.convert(at - clock.now(), TimeUnit.NANOSECONDS);
    }

    @Override
    public int compareTo(Delayed other) {
      return Long.compare(getDelay(TimeUnit.NANOSECONDS), other.getDelay(TimeUnit.NANOSECONDS));
    }
  }
}
