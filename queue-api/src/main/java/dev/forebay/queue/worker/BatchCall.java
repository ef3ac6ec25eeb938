package dev.forebay.queue.worker;

import java.util.List;

/**
 * One call of a batch handler, and who may interrupt it: the worker whose grace time is over (S1),
 * and the leases of its messages when all of them are lost (W2). The loss of some leaves the others
 * to be worked on.
 *
 * <p>As with a {@link Run} of its own thread, an interrupt is sent under the lock and only while
 * the call lasts, and {@link #end} clears the thread's flag after it has left that stage under the
 * same lock. What interrupted a message before the call began interrupts the call at its start.
 *
 * <p>Thread-safe.
 */
final class BatchCall {

  private final List<Run> runs;
  private final Thread thread = Thread.currentThread();
  private final Object lock = new Object();
  private boolean ended;

  private BatchCall(List<Run> runs) {
    this.runs = runs;
  }

  /** A call on the calling thread, which begins now. */
  static BatchCall begin(List<Run> runs) {
    BatchCall call = new BatchCall(runs);
    runs.forEach(run -> run.isIn(call));
    // What happened to a run before that found it in no call, or in an earlier one.
    call.look();
    return call;
  }

  /** One of the runs was lost or cut short. */
  void look() {
    synchronized (lock) {
      if (!ended
          && (runs.stream().anyMatch(Run::wasCutShort) || runs.stream().allMatch(Run::knownLost))) {
        thread.interrupt();
      }
    }
  }

  /** The handler has returned; called on its thread. */
  void end() {
    synchronized (lock) {
      ended = true;
    }
    boolean unused = Thread.interrupted();
  }
}
