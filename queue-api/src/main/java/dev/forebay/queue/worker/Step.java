package dev.forebay.queue.worker;

/**
 * One feature that has a say before a handler runs and hears what came of it: a deadline, a gate, a
 * breaker, a dedup store.
 *
 * <p>{@link Execution} asks its steps in order, on the thread that is to run the handler. The first
 * one that does not say {@link Decision#GO} ends the asking. Every step that said GO is told the
 * end exactly once, in reverse order, on the same thread and before the delivery is settled: a step
 * that notes finished work does so before the ack is sent, and one that took something in {@link
 * #before} gives it back in {@link #after} even when a later step decided against running ({@link
 * Result#NOT_RUN}).
 *
 * <p>The runs of a batch are asked about together: each step about all of them before the next
 * step, so that a step which waits for something can begin that for all of them in {@link
 * #announce}.
 *
 * <p>Steps are called by many threads at once. They may block for a bounded time: the delivery
 * holds a slot and its lease is extended meanwhile. A step that throws is logged and counts as one
 * that said GO and is not told the end; whoever wants failures to hold work back catches them and
 * decides.
 */
interface Step {

  /** Whether the handler is to run; anything but GO is the end of it for now. */
  Decision before(Run run);

  /**
   * {@link #before} is about to be called for this run and for others of its batch: what it will
   * wait for may begin. It must not block. What it throws is as if it had not been called.
   */
  default void announce(Run run) {}

  /** What came of a run that this step let pass. */
  default void after(Run run, Result result) {}

  /** The worker has ended: whatever outlives it is to know of this step no more. */
  default void close() {}
}
