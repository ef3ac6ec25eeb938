package dev.forebay.queue.worker;

import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;

/**
 * No wake-up is lost: whatever the interleaving of dispatching and of runners that come to an end,
 * a run that still waits has a runner on its way (W1).
 */
public class RunnersLincheckTest {

  /** Threads that run when the model checker says so. */
  private static final class Held implements SlotThreads {
    final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();

    @Override
    public void start(Runnable task) {
      tasks.add(task);
    }

    @Override
    public void shutdown() {}

    @Override
    public void awaitEnd(Duration atMost) {}
  }

  private final Held threads = new Held();
  private final Runners runners =
      new Runners(new FifoLine(), threads, run -> {}, lane -> null, new Waiter());

  @Operation
  public void dispatch() {
    runners.dispatch(List.of(new Run(null, null, Duration.ZERO, 0, null)));
  }

  /** A thread that was started gets its turn. */
  @Operation
  public void thread() {
    Runnable task = threads.tasks.poll();
    if (task != null) {
      task.run();
    }
  }

  /** Holds when every operation has ended. */
  @Validate
  public void waitingHasARunnerOnItsWay() {
    boolean waiting = !runners.withdraw().isEmpty();
    if (waiting && threads.tasks.isEmpty()) {
      throw new IllegalStateException("a run waits and no thread comes for it");
    }
  }

  @Test
  void W1_noWakeUpIsLost() {
    new ModelCheckingOptions()
        .iterations(Integer.getInteger("forebay.lincheck.iterations", 6))
        .invocationsPerIteration(Integer.getInteger("forebay.lincheck.invocations", 100))
        .threads(2)
        .actorsPerThread(3)
        .actorsBefore(1)
        .actorsAfter(0)
        .check(RunnersLincheckTest.class);
  }
}
