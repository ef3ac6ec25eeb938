package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.testkit.server.ServerUnavailableException;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestWatcher;
import org.opentest4j.TestAbortedException;

/**
 * Runs the tests of a {@link WorkQueueContract}: hands each a {@link Trial}, skips what the backend
 * does not offer, and reports by rule at the end. Thread-safe: its state is in the context's store.
 */
final class ContractExtension
    implements BeforeAllCallback,
        BeforeEachCallback,
        AfterEachCallback,
        AfterAllCallback,
        ParameterResolver,
        TestWatcher {

  private static final Namespace NAMESPACE = Namespace.create(ContractExtension.class);

  @Override
  public void beforeAll(ExtensionContext context) {
    Class<?> contract = context.getRequiredTestClass();
    store(context).put(ContractRun.class, new ContractRun(contract));
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    Method test = context.getRequiredTestMethod();
    WorkQueueContract contract = (WorkQueueContract) context.getRequiredTestInstance();
    ContractRun run = run(context);
    Trial trial = run.trial(contract.harness(), test.getName());
    Optional<ContractRun.Result> skip = ContractRun.skip(test, run.abilities());
    if (skip.isPresent()) {
      run.record(skip.get());
      throw new TestAbortedException(
          skip.get().missing()
              ? "The backend or its harness does not offer " + skip.get().ability()
              : "Only for backends without " + skip.get().ability());
    }
    store(context).put(Trial.class, trial);
  }

  @Override
  public void afterEach(ExtensionContext context) {
    Trial trial = store(context).remove(Trial.class, Trial.class);
    if (trial != null) {
      trial.end();
    }
  }

  @Override
  public void afterAll(ExtensionContext context) {
    ContractRun run = run(context);
    String directory =
        context
            .getConfigurationParameter(ContractReport.DIRECTORY_PARAMETER)
            .orElse(ContractReport.DIRECTORY);
    if (directory.isEmpty()) {
      return;
    }
    ContractReport report = new ContractReport(run);
    report.print();
    if (run.isComplete()) {
      report.write(directory);
    }
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    return type == Trial.class || type == ContractRun.class;
  }

  @Override
  public @Nullable Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == Trial.class
        ? store(context).get(Trial.class)
        : run(context);
  }

  @Override
  public void testSuccessful(ExtensionContext context) {
    record(context, ContractRun.Ending.PASSED);
  }

  @Override
  public void testFailed(ExtensionContext context, @Nullable Throwable cause) {
    record(context, ContractRun.Ending.FAILED);
  }

  @Override
  public void testAborted(ExtensionContext context, @Nullable Throwable cause) {
    // A skip for want of an ability is recorded before, one for want of a server says nothing about
    // the backend; any other one has no place here.
    if (cause instanceof ServerUnavailableException) {
      return;
    }
    String test = context.getRequiredTestMethod().getName();
    List<ContractRun.Result> results = run(context).results();
    if (results.stream().noneMatch(result -> result.test().equals(test))) {
      record(context, ContractRun.Ending.FAILED);
    }
  }

  @Override
  public void testDisabled(ExtensionContext context, Optional<String> reason) {
    record(context, ContractRun.Ending.FAILED);
  }

  private static void record(ExtensionContext context, ContractRun.Ending ending) {
    String test = context.getRequiredTestMethod().getName();
    run(context).record(new ContractRun.Result(test, ending, null, false));
  }

  private static ContractRun run(ExtensionContext context) {
    ContractRun run = store(context).get(ContractRun.class, ContractRun.class);
    if (run == null) {
      throw new IllegalStateException("The contract has not begun.");
    }
    return run;
  }

  private static Store store(ExtensionContext context) {
    return context.getStore(NAMESPACE);
  }
}
