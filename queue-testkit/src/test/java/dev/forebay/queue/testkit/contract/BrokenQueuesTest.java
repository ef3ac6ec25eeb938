package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import dev.forebay.queue.testkit.broken.BrokenQueue;
import java.lang.reflect.Method;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;

/** Shows that the contract finds fault with queues that break it, and by which rule. */
class BrokenQueuesTest {

  private static final String PARAMETER = "forebay.broken";

  private static final Map<BrokenQueue, Set<String>> FAILED = new ConcurrentHashMap<>();

  /** The whole contract on the queue that the configuration names. */
  @ExtendWith(BrokenQueueResolver.class)
  static class BrokenContract extends WorkQueueContract {
    private final BrokenQueue broken;

    BrokenContract(BrokenQueue broken) {
      this.broken = broken;
    }

    @Override
    protected WorkQueueHarness harness() {
      return new BrokenHarness(broken);
    }
  }

  static class BrokenQueueResolver implements ParameterResolver {
    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == BrokenQueue.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return BrokenQueue.valueOf(context.getConfigurationParameter(PARAMETER).orElseThrow());
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NOT_BROKEN")
  @Execution(ExecutionMode.CONCURRENT)
  void brokenQueue_failsByTheRuleItBreaks(BrokenQueue broken) {
    Set<String> failedRules =
        failedOn(broken).stream()
            .map(test -> test.substring(0, test.indexOf('_')))
            .collect(Collectors.toSet());
    assertThat(broken.rules()).as("what %s should fail by", broken).isNotEmpty();
    assertThat(failedRules).containsAll(broken.rules());
  }

  @Test
  void rightQueue_behindTheSameFront_failsNothing() {
    assertThat(failedOn(BrokenQueue.NOT_BROKEN)).isEmpty();
  }

  /** Whatever the contract asks of the in-memory queue, some queue does not do. */
  @Test
  void everyTest_canFail() {
    Set<String> failed = new TreeSet<>();
    for (BrokenQueue broken : BrokenQueue.values()) {
      failed.addAll(failedOn(broken));
    }
    Set<String> run = new TreeSet<>();
    for (Method test : ContractRun.tests(BrokenContract.class)) {
      if (Rule.of(test).isPresent() && ContractRun.skip(test, offered()).isEmpty()) {
        run.add(test.getName());
      }
    }
    assertThat(run).hasSizeGreaterThan(100);
    run.removeAll(failed);
    assertThat(run).as("tests of the contract that no broken queue fails").isEmpty();
  }

  private static Set<Ability> offered() {
    Expected expected = MemoryContractTest.class.getAnnotation(Expected.class);
    return Set.of(expected.offers());
  }

  private static Set<String> failedOn(BrokenQueue broken) {
    return FAILED.computeIfAbsent(broken, BrokenQueuesTest::runContract);
  }

  /** Names of the tests that fail. */
  private static Set<String> runContract(BrokenQueue broken) {
    return EngineTestKit.engine("junit-jupiter")
        .selectors(selectClass(BrokenContract.class))
        .configurationParameter(PARAMETER, broken.name())
        .configurationParameter(ContractReport.DIRECTORY_PARAMETER, "")
        .execute()
        .testEvents()
        .failed()
        .map(BrokenQueuesTest::method)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static String method(Event failed) {
    return ((MethodSource) failed.getTestDescriptor().getSource().orElseThrow()).getMethodName();
  }
}
