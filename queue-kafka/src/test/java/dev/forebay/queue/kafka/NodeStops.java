package dev.forebay.queue.kafka;

import dev.forebay.queue.testkit.server.EmbeddedKafka;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/**
 * Stops a node of the shared cluster after each so many tests, in the middle of the next ones, and
 * starts it again after as many more; then it is the next node's turn. Does so only where {@code
 * -Dforebay.kafka.stop=N} says after how many, on a cluster of {@code -Dforebay.kafka.nodes=3}.
 * Thread-safe.
 */
final class NodeStops implements BeforeEachCallback, AfterAllCallback {

  private static final int EVERY = Integer.getInteger("forebay.kafka.stop", 0);
  private static final Namespace NAMESPACE = Namespace.create(NodeStops.class);

  /** What one class of tests goes through. */
  private static final class Run {
    final EmbeddedKafka kafka = EmbeddedKafka.shared();
    final ExecutorService thread = Executors.newSingleThreadExecutor();
    final AtomicInteger tests = new AtomicInteger();
    final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    // The thread's own.
    int stops;
    int down = -1;

    void change() {
      try {
        if (down < 0) {
          down = stops % kafka.nodes();
          stops++;
          kafka.stopNode(down);
        } else {
          restart();
        }
      } catch (RuntimeException | Error e) {
        failure.compareAndSet(null, e);
      }
    }

    void restart() {
      if (down >= 0) {
        kafka.startNode(down);
        down = -1;
      }
    }
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    if (EVERY <= 0) {
      return;
    }
    Run run = store(context).getOrComputeIfAbsent(Run.class, type -> new Run(), Run.class);
    if (run.tests.incrementAndGet() % EVERY == 0) {
      run.thread.execute(run::change);
    }
  }

  @Override
  public void afterAll(ExtensionContext context) throws Exception {
    Run run = store(context).get(Run.class, Run.class);
    if (run == null) {
      return;
    }
    Future<?> last = run.thread.submit(run::restart);
    run.thread.shutdown();
    last.get(5, TimeUnit.MINUTES);
    System.out.printf(
        "%s: a node was stopped %d times in %d tests%n",
        context.getDisplayName(), run.stops, run.tests.get());
    Throwable failure = run.failure.get();
    if (failure != null || run.stops == 0) {
      throw new AssertionError("No node was stopped and started as planned", failure);
    }
  }

  /** The class's, which its tests share. */
  private static ExtensionContext.Store store(ExtensionContext context) {
    ExtensionContext ofClass = context.getTestMethod().isPresent() ? parent(context) : context;
    return ofClass.getStore(NAMESPACE);
  }

  private static ExtensionContext parent(ExtensionContext context) {
    return context.getParent().orElseThrow();
  }
}
