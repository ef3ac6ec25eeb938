package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The whole contract, as tests of one backend.
 *
 * <pre>{@code
 * class MyQueueContractTest extends WorkQueueContract {
 *   @Override protected WorkQueueHarness harness() { return new MyQueueHarness(); }
 * }
 * }</pre>
 *
 * <p>Each test has a broker queue of its own and mostly waits, so a suite in real time should run
 * many at once. The class asks for it; JUnit grants it when {@code junit-platform.properties} in
 * the test resources says:
 *
 * <pre>{@code
 * junit.jupiter.execution.parallel.enabled = true
 * junit.jupiter.execution.parallel.mode.default = same_thread
 * junit.jupiter.execution.parallel.config.strategy = fixed
 * junit.jupiter.execution.parallel.config.fixed.parallelism = 12
 * junit.jupiter.execution.parallel.config.fixed.max-pool-size = 12
 * }</pre>
 *
 * <p>At the end it prints a line per rule, and writes {@code target/contract/<backend>.json} unless
 * only some of its tests were run.
 */
@ExtendWith(ContractExtension.class)
@Execution(ExecutionMode.CONCURRENT)
public abstract class WorkQueueContract
    implements EnqueueRules,
        ContentRules,
        PollRules,
        DeliveryRules,
        LeaseRules,
        ExtensionRules,
        SettleRules,
        StaleRules,
        RetryRules,
        AttemptRules,
        FlowRules,
        DeadLetterRules,
        RedriveRules,
        DedupRules,
        ProcessingDedupRules,
        KeyRules,
        LifecycleRules,
        TroubleRules,
        ExplainRules,
        WorkerRules,
        BatchRules,
        RefusalRules,
        DepthRules {

  /** For subclasses, one per backend. */
  protected WorkQueueContract() {}

  /**
   * How to open queues of the backend under test. Called once for each test: a harness with a
   * manual clock must be new each time, one around an embedded server should share the server.
   */
  protected abstract WorkQueueHarness harness();

  /** Fails when the backend gains or loses an ability, or a rule its tests. */
  @Test
  void offersAndSkipsAreThosePinned(ContractRun run) {
    assertThat(run.unpinned())
        .as("differences to what the class pins; what there is now:%n%s", run.pin())
        .isEmpty();
  }
}
