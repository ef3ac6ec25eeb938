package dev.forebay.queue.benchmarks;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What the contenders are put through; each figure is explained in {@code docs/benchmarks.md}. */
enum SqsScenario {
  /** Handlers that do nothing. */
  NOOP {
    @Override
    Map<String, Double> run(SqsRun run) throws Exception {
      return run.noop();
    }
  },
  /** Many slots, short handlers, messages sent while others are handled. */
  LOAD {
    @Override
    Map<String, Double> run(SqsRun run) throws Exception {
      return run.load();
    }
  },
  /** Jobs longer than the visibility, twice as many as slots. */
  LONG_JOBS {
    @Override
    Map<String, Double> run(SqsRun run) throws Exception {
      return run.longJobs();
    }
  },
  /** One long job among short ones. */
  ONE_LONG {
    @Override
    Map<String, Double> run(SqsRun run) throws Exception {
      return run.oneLong();
    }
  },
  /** Every 20th job is slow, and longer than the visibility. */
  SPARSE_SLOW {
    @Override
    Map<String, Double> run(SqsRun run) throws Exception {
      return run.sparseSlow();
    }
  },
  /** A stop in the middle of the work. */
  STOP_BUSY {
    @Override
    Map<String, Double> run(SqsRun run) throws Exception {
      return run.stopBusy();
    }
  },
  /** A stop on an idle long poll, with a message that comes just then. */
  STOP_IDLE {
    @Override
    Map<String, Double> run(SqsRun run) throws Exception {
      return run.stopIdle();
    }
  };

  /** Runs it and returns its figures by name. */
  abstract Map<String, Double> run(SqsRun run) throws Exception;

  /** The name on the command line. */
  String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  static SqsScenario of(String label) {
    for (SqsScenario scenario : values()) {
      if (scenario.label().equals(label)) {
        return scenario;
      }
    }
    throw new IllegalArgumentException("No scenario " + label + "; there are " + labels());
  }

  static List<String> labels() {
    return List.of(values()).stream().map(SqsScenario::label).toList();
  }
}
