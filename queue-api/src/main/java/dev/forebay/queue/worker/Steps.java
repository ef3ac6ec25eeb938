package dev.forebay.queue.worker;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The {@link Step}s of a worker, asked in order and told the end in reverse. A step that throws
 * harms nobody but itself. Thread-safe.
 */
final class Steps {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final Step[] steps;
  private final AtomicBoolean failureLogged = new AtomicBoolean();

  /**
   * In this order.
   *
   * @throws IllegalArgumentException above 64 of them
   */
  Steps(List<Step> steps) {
    if (steps.size() > Long.SIZE) {
      throw new IllegalArgumentException("A worker has at most 64 steps, not " + steps.size());
    }
    this.steps = steps.toArray(Step[]::new);
  }

  /** Asks until one does not say GO; those before it have then been told {@link Result#NOT_RUN}. */
  Decision before(Run run) {
    for (int i = 0; i < steps.length; i++) {
      Decision decision = ask(i, run);
      if (decision != Decision.GO) {
        tell(i, run, Result.NOT_RUN);
        return decision;
      }
    }
    return Decision.GO;
  }

  /** The same for the runs of a batch, each step being asked about all before the next one is. */
  Decision[] before(List<Run> runs) {
    Decision[] decisions = new Decision[runs.size()];
    Arrays.fill(decisions, Decision.GO);
    for (int i = 0; i < steps.length; i++) {
      for (int r = 0; r < decisions.length; r++) {
        if (decisions[r] == Decision.GO) {
          announce(i, runs.get(r));
        }
      }
      for (int r = 0; r < decisions.length; r++) {
        if (decisions[r] == Decision.GO) {
          decisions[r] = ask(i, runs.get(r));
          if (decisions[r] != Decision.GO) {
            tell(i, runs.get(r), Result.NOT_RUN);
          }
        }
      }
    }
    return decisions;
  }

  /** Tells all of them what came of a run that all of them let pass. */
  void after(Run run, Result result) {
    tell(steps.length, run, result);
  }

  /** The worker has ended. */
  void close() {
    for (Step step : steps) {
      step.close();
    }
  }

  private void announce(int i, Run run) {
    try {
      steps[i].announce(run);
    } catch (RuntimeException | Error e) {
      LOG.debug("What {} has to wait for did not begin early", run, e);
    }
  }

  private Decision ask(int i, Run run) {
    try {
      return steps[i].before(run);
    } catch (RuntimeException | Error e) {
      failed(steps[i], run, e);
      run.skipStep(i);
      return Decision.GO;
    }
  }

  private void tell(int count, Run run, Result result) {
    for (int i = count - 1; i >= 0; i--) {
      if (run.skipsStep(i)) {
        continue;
      }
      try {
        steps[i].after(run, result);
      } catch (RuntimeException | Error e) {
        failed(steps[i], run, e);
      }
    }
    run.skipNoStep();
  }

  private void failed(Step step, Run run, Throwable failure) {
    if (failureLogged.compareAndSet(false, true)) {
      LOG.error(
          "{} failed on {}, which goes on without it; further failures are not logged",
          step.getClass().getSimpleName(),
          run,
          failure);
    }
  }
}
