package dev.forebay.queue.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import dev.forebay.queue.testkit.broken.BrokenQueue;
import java.lang.reflect.Method;
import java.util.List;
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
import org.junit.platform.engine.DiscoverySelector;
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
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"NOT_BROKEN", "BARE_NOT_BROKEN"})
  @Execution(ExecutionMode.CONCURRENT)
  void brokenQueue_failsByTheRuleItBreaks(BrokenQueue broken) {
    Set<String> failedRules =
        failedOn(broken).stream()
            .map(test -> test.substring(0, test.indexOf('_')))
            .collect(Collectors.toSet());
    assertThat(broken.rules()).as("what %s should fail by", broken).isNotEmpty();
    assertThat(failedRules).containsAll(broken.rules());
  }

  @ParameterizedTest
  @EnumSource(names = {"NOT_BROKEN", "BARE_NOT_BROKEN"})
  void rightQueue_behindTheSameFront_failsNothing(BrokenQueue right) {
    assertThat(failedOn(right)).isEmpty();
  }

  /**
   * Whatever the contract asks, some queue does not do. No test is left out: one that the in-memory
   * queue does not run is run by the bare one, which offers the opposite.
   */
  @Test
  void everyTest_canFail() {
    Set<String> failed = new TreeSet<>();
    for (BrokenQueue broken : BrokenQueue.values()) {
      failed.addAll(failedOn(broken));
    }
    Set<String> all = new TreeSet<>();
    for (Method test : ContractRun.tests(BrokenContract.class)) {
      if (Rule.of(test).isPresent()) {
        all.add(test.getName());
      }
    }
    assertThat(all).hasSizeGreaterThan(100);
    all.removeAll(failed);
    assertThat(all).as("tests of the contract that no broken queue fails").isEmpty();
  }

  /** Tests that need what the in-memory queue does not have, or do without what it has. */
  private static List<Method> notOnTheWholeQueue() {
    Expected expected = MemoryContractTest.class.getAnnotation(Expected.class);
    Set<Ability> offered = Set.of(expected.offers());
    return ContractRun.tests(BrokenContract.class).stream()
        .filter(test -> ContractRun.skip(test, offered).isPresent())
        .toList();
  }

  /** A wrong bare queue is asked just what the others are not: all else they show already. */
  private static List<DiscoverySelector> selectorsFor(BrokenQueue broken) {
    if (!broken.isBare() || broken.isRight()) {
      return List.of(selectClass(BrokenContract.class));
    }
    return notOnTheWholeQueue().stream()
        .<DiscoverySelector>map(test -> selectMethod(BrokenContract.class, test))
        .toList();
  }

  private static Set<String> failedOn(BrokenQueue broken) {
    return FAILED.computeIfAbsent(broken, BrokenQueuesTest::runContract);
  }

  /** Names of the tests that fail. */
  private static Set<String> runContract(BrokenQueue broken) {
    return EngineTestKit.engine("junit-jupiter")
        .selectors(selectorsFor(broken).toArray(DiscoverySelector[]::new))
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
